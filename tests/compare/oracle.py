#!/usr/bin/env python3
"""What scipy says of the tests and intervals that creance uses to compare cases.

    oracle.py ANSWERS    a JSON list of {of, asked, said}; exits with 1 where an answer is wrong
"""

import collections
import itertools
import json
import math
import sys

from scipy import stats


def presence(here, there):
    (a, n), (b, m) = here, there
    if (a, b) in ((0, 0), (n, m)):
        return [1.0]  # scipy says nan: nothing can be more extreme.
    return [min(1.0, stats.boschloo_exact([[a, b], [n - a, m - b]], n=256).pvalue)]


def ranks(here, there):
    every = stats.rankdata(here + there)
    middle = len(here) * (len(every) + 1) / 2
    far = abs(sum(every[: len(here)]) - middle)
    sums = [sum(chosen) for chosen in itertools.combinations(every, len(here))]
    counted = sum(abs(sum_ - middle) >= far - 1e-9 for sum_ in sums) / len(sums)
    if len(set(every)) == len(every):
        # Without ties scipy counts itself.
        assert math.isclose(counted, stats.mannwhitneyu(here, there, method="exact").pvalue)
    return [counted]


def proportion(some, all_):
    interval = stats.binomtest(some, all_).proportion_ci(0.95, method="exact")
    return [interval.low, interval.high]


def ratio(few, time, many, more_time):
    low, high = proportion(many, few + many)
    there = lambda share: share / (1 - share) * time / more_time
    return [there(low), there(high) if high < 1 else None]


def holm(ps):
    out, greatest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        greatest = max(greatest, min(1.0, ps[index] * (len(ps) - rank)))
        out[index] = greatest
    return out


def false_discovery(ps):
    return list(stats.false_discovery_control(ps))


def main():
    counts, wrong = collections.Counter(), 0
    for answer in json.load(open(sys.argv[1])):
        expected = globals()[answer["of"]](*answer["asked"])
        counts[answer["of"]] += 1
        same = len(expected) == len(answer["said"]) and all(
            a is b is None or None not in (a, b) and math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-9) for a, b in zip(expected, answer["said"])
        )
        if not same:
            wrong += 1
            print(f"{answer['of']} {answer['asked']}: said {answer['said']}, expected {expected}")
    print(f"{dict(counts)}: {wrong} wrong")
    sys.exit(wrong > 0)


main()

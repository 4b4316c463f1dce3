#!/usr/bin/env python3
"""Makes databases with SQLite itself and says what is in them: make.py FOLDER ROUNDS, or make.py --sample FILE.

FOLDER gets NAME.db, of some with NAME.db-wal beside it, and NAME.json: a list of [table, row number, column, value]."""

import json
import pathlib
import random
import shutil
import sqlite3
import sys

WORDS = ["o.lindqvarn@netzwacht.example", "größe", "斑鳩", "", "1581F5BKD225D00BP891", "a'b\"c", "\U0001f600", "x" * 700]
KINDS = ["INTEGER", "TEXT", "BLOB", "REAL", "", "VARCHAR(20) NOT NULL DEFAULT 'a,(b'", "NUMERIC"]


def main():
    if sys.argv[1] == "--sample":
        sample(sys.argv[2])
        return
    folder, rounds = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    for number in range(rounds):
        made(folder / f"{number}.db", random.Random(number))


def sample(file):
    db = sqlite3.connect(file)
    db.execute("PRAGMA page_size=512")
    db.execute('CREATE TABLE account(_id INTEGER PRIMARY KEY, "e mail" TEXT, lat REAL, none BLOB, note TEXT, doc TEXT)')
    document = json.dumps({"serial": "1581F5BKD225D00BP891"})
    db.execute("INSERT INTO account VALUES(7, ?, 24.744672, NULL, ?, ?)", (WORDS[0], "n" * 3000, document))
    db.execute("CREATE TABLE sample(n INT)")
    db.executemany("INSERT INTO sample VALUES(?)", [(-number * 1_000_000_000,) for number in range(1, 301)])
    db.commit()
    db.close()


def made(file, chance):
    work = file.with_suffix(".work")
    db = sqlite3.connect(work)
    db.execute(f"PRAGMA page_size={chance.choice([512, 1024, 4096, 65536])}")
    db.execute(f"PRAGMA encoding='{chance.choice(['UTF-8', 'UTF-16le', 'UTF-16be'])}'")
    db.execute(f"PRAGMA auto_vacuum={chance.choice([0, 1, 2])}")
    logged = chance.random() < 0.5
    if logged:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
    tables = {}
    for number in range(chance.randint(1, 4)):
        name = chance.choice(["contacts", "raw data", "größen", "t"]) + str(number)
        columns = [f"c{at} {chance.choice(KINDS)}" for at in range(chance.randint(1, 6))]
        kind = chance.random()
        if kind < 0.3:
            columns.insert(0, "_id INTEGER PRIMARY KEY")
        elif kind < 0.6:
            columns.insert(0, "_id INTEGER NOT NULL")
        tables[name] = [column.split()[0] for column in columns]
        if 0.3 <= kind < 0.6:
            columns.append("PRIMARY KEY(`_id`)")
        db.execute(f'CREATE TABLE "{name}"({", ".join(columns)})')
        fill(db, name, tables[name], chance)
        db.execute(f'CREATE INDEX "i{number}" ON "{name}"({tables[name][-1]})')
        if logged and chance.random() < 0.3:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for name in tables:
        if chance.random() < 0.5:
            db.execute(f'DELETE FROM "{name}" WHERE rowid % 3 = 0')
        if chance.random() < 0.3:
            db.execute(f'ALTER TABLE "{name}" ADD COLUMN late TEXT')
            tables[name].append("late")
            fill(db, name, tables[name], chance)
    db.commit()
    db.execute('CREATE TABLE "other"(a TEXT PRIMARY KEY) WITHOUT ROWID')
    db.execute("INSERT INTO other VALUES('not read')")
    db.commit()
    cells = []
    for name, columns in tables.items():
        for row in db.execute(f'SELECT rowid, {", ".join(columns)} FROM "{name}" ORDER BY rowid'):
            for column, value in zip(columns, row[1:]):
                if value is None or value == "" or value == b"":
                    continue
                if isinstance(value, bytes):
                    value = {"hex": value.hex()}
                cells.append([name, row[0], column, value])
    # As they lie on a device whose app still runs.
    for end in ["", "-wal"]:
        if pathlib.Path(f"{work}{end}").exists():
            shutil.copy(f"{work}{end}", f"{file}{end}")
    db.close()
    work.unlink()
    file.with_suffix(".json").write_text(json.dumps(cells))


def fill(db, name, columns, chance):
    for _ in range(chance.choice([0, 1, 20, 150])):
        values = [value(chance) if column != "_id" else None for column in columns]
        db.execute(f'INSERT INTO "{name}" VALUES({", ".join("?" * len(columns))})', values)
    db.commit()


def value(chance):
    return chance.choice([
        lambda: chance.randint(-(2 ** chance.randint(0, 63)), 2 ** chance.randint(0, 62)),
        lambda: chance.uniform(-180, 180),
        lambda: chance.choice(WORDS),
        lambda: chance.choice([0, 1, 0.5]),
        lambda: chance.choice(WORDS) * chance.randint(1, 9),
        lambda: bytes(chance.randint(128, 255) for _ in range(chance.choice([1, 9, 3000]))),
    ])()


main()

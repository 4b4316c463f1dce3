//! A value in one message, found again along its decode path.

use creance_detect::mask;
use creance_model::Finding;

use super::{Claim, Conversation, Http1, ProofStep, Proved, Spelling, http, steps};

/// The longest value that is shown as it was sent, in bytes.
const LONGEST: usize = 4096;

/// Steps, and what they give.
pub(super) type Way = (Vec<ProofStep>, Vec<u8>);

/// Finds a value again.
pub(super) fn prove(
    finding: &Finding,
    conversations: &[Conversation],
    revealed: bool,
) -> Result<Proved, String> {
    let conversation = conversations.first().ok_or("it names no packets")?;
    let path: Vec<&str> =
        finding.decode_path.iter().map(String::as_str).filter(|step| *step != "tls").collect();
    let (first, rest) = path.split_first().ok_or("it has no decode path")?;
    let begun = beginnings(conversation, first)?;
    let unknown =
        |name: String| format!("the step `{name}` of its decode path is not one that a bundle can have");
    let rest: Vec<ProofStep> =
        rest.iter().map(|name| ProofStep::behind(name)).collect::<Result<_, _>>().map_err(unknown)?;
    let mut as_sent = None;
    // The packets end with those that show it: what was sent last is tried first.
    for (beginning, bytes) in begun.into_iter().rev() {
        for (behind, bytes) in ways(&bytes, &rest, finding) {
            let steps = || {
                let opened = conversation.opened.then_some(ProofStep::Tls);
                opened.into_iter().chain(beginning.clone()).chain(behind.clone()).collect::<Vec<_>>()
            };
            if let Some((spelling, range)) = fits(finding, &bytes, revealed) {
                let mut steps = steps();
                let value = bytes.get(range.clone()).unwrap_or_default().to_vec();
                if value.len() != bytes.len() {
                    steps.push(ProofStep::Range(range.start as u64, range.end as u64));
                }
                return Ok(proved(finding, conversation, steps, value, spelling));
            }
            if as_sent.is_none() && (1..=LONGEST).contains(&bytes.len()) {
                as_sent = Some((steps(), bytes));
            }
        }
    }
    let (steps, value) = as_sent.ok_or("its value is not found again by the steps that a bundle can have")?;
    Ok(proved(finding, conversation, steps, value, Spelling::AsSent))
}

fn proved(
    finding: &Finding,
    conversation: &Conversation,
    steps: Vec<ProofStep>,
    value: Vec<u8>,
    spelling: Spelling,
) -> Proved {
    let claims = vec![Claim { flow: conversation.flow, steps, value, offset: None }];
    Proved { id: finding.id.clone(), claims, spelling, file: None }
}

/// Everything that the first step of a decode path may mean, in the order in which it was sent.
pub(super) fn beginnings(conversation: &Conversation, first: &str) -> Result<Vec<Way>, String> {
    let stream = &conversation.bytes;
    let of_requests = |what: Http1| {
        let part = |request: &http::Request| match &what {
            Http1::Body => Some(request.body.clone()),
            Http1::Uri => Some(request.target.clone()),
            Http1::Header(name) => request.header(name).map(<[u8]>::to_vec),
        };
        let each = http::requests(stream).into_iter().zip(0..);
        each.filter_map(|(request, number)| {
            Some((vec![ProofStep::Http1(number, what.clone())], part(&request)?))
        })
        .collect()
    };
    Ok(match first {
        "http/1 request body" | "http/1 object joined from its parts" => of_requests(Http1::Body),
        "http/1 uri" => of_requests(Http1::Uri),
        "http/2 request body" | "http/2 object joined from its parts" => http::bodies(stream)
            .into_iter()
            .map(|(number, body)| (vec![ProofStep::Http2(number)], body))
            .collect(),
        "dns name" if !conversation.flow.tcp => names(stream),
        _ => match first.strip_prefix("http/1 header:") {
            Some(name) if !name.contains('…') => of_requests(Http1::Header(name.to_owned())),
            _ => {
                return Err(format!(
                    "what carried it (`{first}`) is not one that a bundle can have: HTTP/1 and bodies of HTTP/2 over TCP, \
                     in the clear or in TLS 1.3, and names in DNS over UDP"
                ));
            }
        },
    })
}

/// A name as a whole, and every run of its labels, the longest last.
fn names(message: &[u8]) -> Vec<Way> {
    let Some(name) = steps::dns_name(message) else { return Vec::new() };
    let count = name.split(|byte| *byte == b'.').count() as u64;
    let mut runs: Vec<(u64, u64)> =
        (0..count).flat_map(|from| (from + 1..=count).map(move |to| (from, to))).collect();
    runs.sort_by_key(|(from, to)| to - from);
    let run = |(from, to)| {
        let labels = ProofStep::Labels(from, to);
        let bytes = labels.run(&name)?;
        Some((vec![ProofStep::DnsName, labels], bytes))
    };
    let mut all: Vec<_> = runs.into_iter().filter_map(run).collect();
    all.push((vec![ProofStep::DnsName], name.clone()));
    all
}

/// The ways that the steps behind the first may be gone: the range of the evidence is one of the last part, behind which
/// encodings of the value itself may come.
fn ways(bytes: &[u8], rest: &[ProofStep], finding: &Finding) -> Vec<Way> {
    let run = |steps: Vec<ProofStep>| {
        let first = bytes.to_vec();
        let end = steps.iter().try_fold(first, |bytes, step| step.run(&bytes))?;
        Some((steps, end))
    };
    let mut ways = Vec::new();
    if let Some([from, to]) = finding.evidence.ranges.first() {
        for at in (0..=rest.len()).rev() {
            let (before, behind) = rest.split_at(at);
            let steps = [before, &[ProofStep::Range(*from, *to)], behind].concat();
            ways.extend(run(steps));
        }
    }
    ways.extend(run(rest.to_vec()));
    ways
}

/// Whether bytes are, or hold, the value; masked, whether they may be it.
fn fits(finding: &Finding, bytes: &[u8], revealed: bool) -> Option<(Spelling, std::ops::Range<usize>)> {
    if revealed {
        let at = http::find(bytes, finding.value.as_bytes())?;
        return Some((Spelling::Same, at..at + finding.value.len()));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let masked = bytes.len() <= LONGEST && mask(finding.data_class, text) == finding.value;
    masked.then_some((Spelling::SameMasked, 0..bytes.len()))
}

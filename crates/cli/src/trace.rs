//! `creance audit --trace`: the bytes at every step to one finding, as hexadecimal digits and text.

use std::io::{BufWriter, Write};

use creance_audit::{Request, Trace};
use creance_model::Report;
use creance_render::shown;

use crate::{
    args::{Audit, Talk},
    exit::Usage,
    progress::Bar,
};

/// Bytes of a frame and of a step that are shown.
const MOST: usize = 512;

/// Bytes of a line.
const WIDTH: usize = 16;

/// Refuses what cannot be traced before the work begins.
pub(crate) fn check(finding: &str, options: &Audit) -> anyhow::Result<()> {
    if !options.reveal {
        return Err(Usage(
            "--trace shows the bytes at every step, and with them the value: add --reveal if you may see it"
                .to_owned(),
        )
        .into());
    }
    if options.inputs.iter().any(|input| input == "-") {
        return Err(Usage(
            "--trace reads the inputs again, and standard input can be read but once".to_owned(),
        )
        .into());
    }
    let named = finding.strip_prefix(['F', 'f']).is_some_and(|number| number.parse::<u32>().is_ok());
    if !named {
        return Err(
            Usage(format!("no finding is called `{}`, expected one such as F0003", shown(finding))).into()
        );
    }
    Ok(())
}

pub(crate) fn show(report: &Report, id: &str, request: &Request, talk: Talk) -> anyhow::Result<()> {
    let Some(finding) = report.findings.iter().find(|finding| finding.id.eq_ignore_ascii_case(id)) else {
        let last =
            report.findings.last().map_or_else(|| "none".to_owned(), |last| format!("F0001 to {}", last.id));
        return Err(Usage(format!("no finding {id}: this audit has {last}")).into());
    };
    let bar = Bar::new(talk);
    let trace = creance_audit::trace(request, report, finding, MOST, &mut |progress| bar.tell(progress));
    bar.done();
    let Some(trace) = trace? else {
        anyhow::bail!("{id} is not seen when the inputs are read again: did one change meanwhile?");
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", finding.tlp.label())?;
    writeln!(out, "{} {}: {}", finding.id, finding.data_class, shown(&finding.value))?;
    writeln!(out, "{}", shown(&finding.decode_path.join(" > ")))?;
    write(&trace, finding.visibility == creance_model::Visibility::Decrypted, &mut out)?;
    out.flush()?;
    Ok(())
}

fn write(trace: &Trace, decrypted: bool, out: &mut dyn Write) -> std::io::Result<()> {
    for frame in &trace.frames {
        writeln!(out, "\npacket {}, {} bytes as captured", frame.number, frame.length)?;
        dump(&frame.bytes, frame.length, None, out)?;
    }
    if decrypted {
        writeln!(out, "\ndecrypted with the keys given; what follows is what the encryption carried")?;
    }
    let last = trace.steps.len().saturating_sub(1);
    for (index, step) in trace.steps.iter().enumerate() {
        writeln!(out, "\n{}, {} bytes, SHA-256 {}", shown(&step.name), step.length, step.sha256)?;
        dump(&step.bytes, step.length, trace.range.filter(|_| index == last), out)?;
    }
    if let Some([from, to]) = trace.range {
        writeln!(out, "\nthe value stands at bytes {from} to {to} of the last step")?;
    }
    for encoding in &trace.encoding {
        writeln!(out, "\nwhat stands there is the value as {}", shown(encoding))?;
    }
    Ok(())
}

/// Offset, bytes, and the letters among them; `>` before lines that hold the value.
fn dump(bytes: &[u8], length: usize, value: Option<[u64; 2]>, out: &mut dyn Write) -> std::io::Result<()> {
    for (row, line) in bytes.chunks(WIDTH).enumerate() {
        let start = (row * WIDTH) as u64;
        let marked = value.is_some_and(|[from, to]| start < to && from < start + WIDTH as u64);
        let digits = line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        let letter = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' };
        let letters: String = line.iter().map(letter).collect();
        let mark = if marked { '>' } else { ' ' };
        writeln!(out, "{mark} {start:06x}  {digits:<47}  {letters}")?;
    }
    if bytes.len() < length {
        writeln!(out, "  … {} more bytes", length - bytes.len())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_offsets_and_letters_and_what_is_left_out_is_counted() {
        let mut out = Vec::new();
        dump(b"0123456789abcdefXY\0", 30, Some([16, 18]), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "  000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef");
        assert!(lines[1].starts_with("> 000010  58 59 00") && lines[1].ends_with(" XY."), "{}", lines[1]);
        assert_eq!(lines[2], "  … 11 more bytes");
    }
}

//! How a decode path is walked with other tools: whoever doubts a finding need not believe creance.

use creance_render::shown;
use serde_json::Value;

use super::finding::text;

/// Packets that are shown as a whole.
const MOST_PACKETS: usize = 8;

/// The packets of a finding's evidence.
pub(super) fn packets(finding: &Value) -> Vec<u64> {
    let list = finding.pointer("/evidence/packets").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// Commands and remarks, in the order of the steps.
pub(super) fn lines(document: &Value, finding: &Value, steps: &[&str]) -> Vec<String> {
    let inputs = document.pointer("/case/inputs").and_then(Value::as_array);
    let inputs: Vec<&Value> = inputs.into_iter().flatten().collect();
    // What a case says may be anybody's: a hash is one.
    let is_hash = |hash: &&str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash =
        text(finding, "/evidence/input").and_then(|input| input.strip_prefix("sha256:")).filter(is_hash);
    let of_hash = inputs.iter().find(|one| hash.is_some() && text(one, "/sha256") == hash);
    let Some(input) = of_hash else {
        return vec!["the input is not named in the case: take it from case.inputs".to_owned()];
    };
    let path = text(input, "/path").unwrap_or("INPUT");
    let piped = path == "-";
    let path = quoted(path);
    let mut lines = Vec::new();
    let mut remark = |words: &str| lines.push(format!("# {words}"));
    if piped {
        remark("the capture came by standard input: use the file that it was saved to");
    } else {
        remark(&format!("the evidence must be {}", hash.unwrap_or_default()));
        lines.push(format!("sha256sum {path}"));
    }
    let decrypted = text(finding, "/visibility") == Some("decrypted");
    let numbers = packets(finding);
    match text(input, "/kind") {
        Some("har") => {
            let entry = numbers.first().map_or(0, |number| number.saturating_sub(1));
            lines.push(format!("jq '.log.entries[{entry}].request' {path}"));
        }
        Some("mitmproxy") => {
            let entry = numbers.first().copied().unwrap_or_default();
            lines.push(format!("mitmdump -nr {path} --flow-detail 4   # flow {entry}"));
        }
        _ => {
            let captures = inputs.iter().filter(|one| text(one, "/kind") == Some("capture")).count();
            let mut path = path;
            if captures > 1 {
                lines
                    .push("# packets are numbered over all captures, in the order of their times".to_owned());
                let all = inputs.iter().filter(|one| text(one, "/kind") == Some("capture"));
                let all: Vec<String> = all.filter_map(|one| text(one, "/path")).map(quoted).collect();
                lines.push(format!("mergecap -w all.pcapng {}", all.join(" ")));
                "all.pcapng".clone_into(&mut path);
            }
            let keys = inputs.iter().find(|one| text(one, "/kind") == Some("keys"));
            tshark(&path, &numbers, steps, decrypted, keys.and_then(|keys| text(keys, "/path")), &mut lines);
        }
    }
    walk(steps, &mut lines);
    if steps.iter().any(|step| step.contains('…')) {
        lines.push("# … stands for names that are masked: audit with --reveal to have them".to_owned());
    }
    lines.push("# creance audit INPUT … --reveal --trace FINDING prints the bytes of each step".to_owned());
    lines
}

/// The packets, and the bytes that the first step names.
fn tshark(
    path: &str,
    numbers: &[u64],
    steps: &[&str],
    decrypted: bool,
    keys: Option<&str>,
    lines: &mut Vec<String>,
) {
    let keys = match keys {
        Some(keys) if decrypted => format!(" -o tls.keylog_file:{}", quoted(keys)),
        None if decrypted => {
            lines.push("# the keys stand in the capture itself: tshark takes them from there".to_owned());
            String::new()
        }
        _ => String::new(),
    };
    let read = |numbers: &[String]| {
        format!(
            "tshark -r {path}{keys} -o http.decompress_body:FALSE -Y 'frame.number in {{{}}}'",
            numbers.join(", ")
        )
    };
    let all: Vec<String> = numbers.iter().map(u64::to_string).collect();
    lines.push(format!("{} -V -x", read(all.get(..MOST_PACKETS).unwrap_or(&all))));
    let first = steps.iter().find(|step| step.contains(' ')).copied().unwrap_or_default();
    if let Some((_, true)) = field(first) {
        let more =
            "a body is shown at the packet that completes it: where nothing comes, add the packets behind";
        lines.push(format!("# {more}"));
    }
    match field(first) {
        Some((field, true)) => lines.push(format!(
            "{} -T jsonraw | jq -r '[.. | objects | .\"{field}_raw\"? // empty | flatten | .[0]] | join(\"\")' | xxd -r -p > step",
            read(&all)
        )),
        Some((field, false)) => lines.push(format!("{} -T fields -e {field} > step", read(&all))),
        None => {}
    }
}

/// The field of Wireshark that holds what a first step names, and whether its bytes are taken and not what it shows.
fn field(step: &str) -> Option<(&'static str, bool)> {
    Some(match step {
        "http/1 request body" => ("http.file_data", true),
        "http/1 uri" => ("http.request.uri", false),
        "http/2 request body" => ("http2.data.data", true),
        "http/2 uri" => ("http2.headers.path", false),
        "mqtt payload" => ("mqtt.msg", true),
        "mqtt topic" => ("mqtt.topic", false),
        _ if step.starts_with("http/1 header:") => ("http.request.line", false),
        _ if step.starts_with("http/1 cookie:") => ("http.cookie", false),
        _ if step.starts_with("http/2 header:") => ("http2.header.value", false),
        _ if step.starts_with("websocket ") => ("websocket.payload", true),
        _ if step.starts_with("dns ") => ("dns.qry.name", false),
        _ if step.starts_with("tls ") => ("tls.handshake.extensions_server_name", false),
        _ => return None,
    })
}

/// A command for each step behind the first; each reads `step` and leaves the next `step`.
fn walk(steps: &[&str], lines: &mut Vec<String>) {
    let mut behind = steps.iter().skip_while(|step| !step.contains(' '));
    let first = behind.next().copied().unwrap_or_default();
    if field(first).is_none() {
        lines.push(format!("# save what is there called {} as `step`", shown(first)));
    }
    for (index, step) in behind.enumerate() {
        // Wireshark undoes the content encodings that it knows, and of HTTP/2 it cannot be told not to.
        let undone = index == 0 && first == "http/2 request body" && COMPRESSED.contains(step);
        if undone {
            lines.push(format!("# tshark has undone {step} where it can; where it has not:"));
        }
        match command(step) {
            Some(command) if undone => {
                lines.push(format!("# {command} < step > next; mv next step   # {}", shown(step)));
            }
            Some(command) => lines.push(format!("{command} < step > next; mv next step   # {}", shown(step))),
            None => lines.push(format!("# {}", remark(step))),
        }
    }
    lines.push("cat step".to_owned());
}

const COMPRESSED: &[&str] = &["gzip", "zlib", "deflate", "br", "zstd"];

/// A command that takes a step from standard input.
fn command(step: &str) -> Option<String> {
    let python = |code: &str| format!("python3 -c 'import sys; b=sys.stdin.buffer.read(); {code}'");
    let write = "sys.stdout.buffer.write";
    let named = |kind: &str| step.strip_prefix(kind).filter(|name| !name.contains('…'));
    if let Some(pointer) = step.strip_prefix("json:").filter(|pointer| !pointer.contains('…')) {
        return Some(format!("jq -r {}", quoted(&filter(pointer))));
    }
    if let Some(name) = named("form:").or_else(|| named("query:")) {
        let code = format!(
            "import urllib.parse as u; print(dict(u.parse_qsl(b.decode().split(\"?\")[-1]))[{}])",
            Value::from(name)
        );
        return Some(quoted_python(&code));
    }
    Some(match step {
        "gzip" => "gzip -dc".to_owned(),
        "zstd" => "zstd -dc".to_owned(),
        "br" => "brotli -dc".to_owned(),
        "lz4" => "lz4 -dc".to_owned(),
        "zlib" => python(&format!("import zlib; {write}(zlib.decompress(b))")),
        "deflate" => python(&format!("import zlib; {write}(zlib.decompress(b,-15))")),
        "base64" => python(&format!(
            "import base64; b=b.strip().replace(b\"-\",b\"+\").replace(b\"_\",b\"/\"); {write}(base64.b64decode(b+b\"=\"*(-len(b)%4)))"
        )),
        "base32" => "base32 -di".to_owned(),
        "hex" => "xxd -r -p".to_owned(),
        "percent" => python(&format!("import urllib.parse as u; {write}(u.unquote_to_bytes(b))")),
        "quoted-printable" => python(&format!("import quopri; {write}(quopri.decodestring(b))")),
        "utf-16" => "iconv -f UTF-16LE -t UTF-8".to_owned(),
        "utf-16be" => "iconv -f UTF-16BE -t UTF-8".to_owned(),
        "rot13" => "tr A-Za-z N-ZA-Mn-za-m".to_owned(),
        "reversed" => "rev".to_owned(),
        "grpc" => "tail -c +6".to_owned(),
        _ if step.starts_with("protobuf:") => "protoc --decode_raw".to_owned(),
        _ if step.starts_with("xml:") => "xmllint --format -".to_owned(),
        _ if step.starts_with("exif:") => "exiftool -n -".to_owned(),
        _ if step.starts_with("plist:") => "plistutil -i -".to_owned(),
        _ => return None,
    })
}

/// What is said where no command is.
fn remark(step: &str) -> String {
    let hash = step.split('-').next().unwrap_or_default();
    match hash {
        "md5" | "sha1" | "sha256" | "sha512" => {
            let of = if step.contains('-') { "a piece of the" } else { "the" };
            format!(
                "what stands there is {of} {hash} of the value: printf %s VALUE | {hash}sum (or of it in lower case, without signs, …)"
            )
        }
        _ => format!("{}: look for it in what the step before gave", shown(step)),
    }
}

/// A JSON Pointer (RFC 6901) as a filter of jq.
fn filter(pointer: &str) -> String {
    let key = |key: &str| {
        let key = key.replace("~1", "/").replace("~0", "~");
        let index = key.bytes().all(|byte| byte.is_ascii_digit());
        if index { format!("[{key}]") } else { format!("[{}]", Value::from(key)) }
    };
    let keys: Vec<String> = pointer.split('/').skip(1).filter(|one| !one.is_empty()).map(key).collect();
    format!(".{}", keys.concat())
}

fn quoted_python(code: &str) -> String {
    format!("python3 -c {}", quoted(&format!("import sys; b=sys.stdin.buffer.read(); {code}")))
}

/// A word for a shell, which no program takes for an option.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(&byte);
    let word: String = word.chars().filter(|c| !c.is_control()).collect();
    let word = if word.starts_with('-') { format!("./{word}") } else { word };
    if !word.is_empty() && word.bytes().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_filters_and_words_are_safe_in_a_shell() {
        assert_eq!(filter("/user/list/12/a~1b"), r#".["user"]["list"][12]["a/b"]"#);
        assert_eq!(filter("/"), ".");
        assert_eq!(quoted("a b'; rm -rf ~"), r"'a b'\''; rm -rf ~'");
        assert_eq!(quoted("flight.pcapng"), "flight.pcapng");
        assert_eq!(quoted("-w/home/x"), "./-w/home/x");
    }

    #[test]
    fn a_case_that_lies_writes_no_commands() {
        let lie = "aa\n  rm -rf ~ #\u{1b}[2J";
        for hash in [lie, &"0a".repeat(32)] {
            let document = serde_json::json!({"case": {"inputs": [
                {"path": "-w/x\n;y", "sha256": hash, "kind": "capture"}, {"path": "-a", "sha256": "", "kind": "capture"},
            ]}});
            let finding = serde_json::json!({
                "evidence": {"input": format!("sha256:{hash}"), "packets": [1]}, "visibility": "clear",
            });
            let told = lines(&document, &finding, &["http/1 request body", lie]);
            assert!(told.iter().all(|line| !line.chars().any(char::is_control)), "{told:?}");
            assert!(told.iter().all(|line| !line.contains(" -w/") && !line.starts_with("rm")), "{told:?}");
        }
    }

    #[test]
    fn every_step_has_a_command_or_a_remark() {
        let mut lines = Vec::new();
        walk(&["tls", "http/1 request body", "gzip", "json:/a/b", "base64", "sha256-cut"], &mut lines);
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert!(lines[0].starts_with("gzip -dc <") && lines[1].starts_with("jq -r"), "{lines:?}");
        assert!(lines[3].contains("a piece of the sha256"), "{lines:?}");
    }
}

//! Any bytes as one of the files that come beside a capture: the first byte chooses a flight log, an action log, canaries,
//! statements about destinations, or a file of the device. A whole audit follows, so that what is read is also used.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use creance_audit::{Request, audit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let file = FOLDER.join("device/file");
    fs::write(&file, content).unwrap();
    let inputs = vec![FOLDER.join("capture").display().to_string()];
    let mut request = Request { inputs, jobs: 1, ..Request::default() };
    match choice % 5 {
        0 => request.flight = vec![file],
        1 => request.actions = Some(file),
        2 => request.canaries = Some(file),
        3 => request.destinations = Some(file),
        _ => request.device = vec![FOLDER.join("device")],
    }
    let Ok(report) = audit(&request, &mut |_| {}) else { return };
    for output in creance_render::ALL {
        output.write(&report, &creance_render::Options::default(), &mut std::io::sink()).unwrap();
    }
});

/// A capture and a folder for the file, in memory where the system has such a place; each process has its own.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = folder.join(format!("creance-fuzz-beside-{}", std::process::id()));
    fs::create_dir_all(folder.join("device")).unwrap();
    fs::write(folder.join("capture"), capture()).unwrap();
    folder
});

/// A request that says a mail address and a place, once before the flight of the seeds and once within it.
fn capture() -> Vec<u8> {
    let body = b"POST /a?lat=24.801868&lon=120.965208 HTTP/1.1\r\nHost: api.skylark.example\r\nContent-Length: 27\r\n\r\n{\"m\":\"ada@skylark.example\"}";
    let mut out =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 1, 0, 101, 0, 0, 0]].concat();
    let mut sequence = 1_u32;
    for seconds in [1_780_000_000_u32, 1_780_000_010] {
        let length = u16::try_from(40 + body.len()).unwrap();
        let mut packet = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0, 0, 64, 6, 0, 0]].concat();
        packet.extend([192, 168, 42, 10, 203, 0, 113, 9, 0x9c, 0x40, 0, 80]);
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, 24, 255, 255, 0, 0, 0, 0]);
        packet.extend(body);
        sequence += u32::try_from(body.len()).unwrap();
        let length = u32::from(length).to_le_bytes();
        out.extend([&seconds.to_le_bytes()[..], &[0; 4], &length, &length].concat());
        out.extend(packet);
    }
    out
}

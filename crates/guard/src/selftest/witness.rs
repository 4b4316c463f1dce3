//! A tcpdump outside, and what it wrote down, read as it grows.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::Context;

use super::{name, wait};

/// Bytes before the first record of a pcap file, and before the frame of each.
const FILE_HEADER: u64 = 24;
const HEADER: usize = 16;

/// A pcap file that grows.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    /// Bytes that were read.
    read: u64,
    tcpdump: Option<Child>,
}

impl Witness {
    /// Of what arrives outside. Each packet takes the longest's place in the kernel until tcpdump has it: there is room for a thousand.
    pub(super) fn outside(path: PathBuf) -> anyhow::Result<Self> {
        let options = "-i eth0 -n -U --immediate-mode -Q in -s 65600 -B 65536 -w";
        let tcpdump = Command::new("ip")
            .args(["netns", "exec", &name("outside"), "tcpdump"])
            .args(options.split(' '))
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start tcpdump")?;
        let mut witness = Self::of(path);
        witness.tcpdump = Some(tcpdump);
        wait("tcpdump", || fs::metadata(&witness.path).is_ok_and(|file| file.len() >= FILE_HEADER))?;
        Ok(witness)
    }

    /// Of a file of this machine's byte order, from its beginning.
    fn of(path: PathBuf) -> Self {
        Self { path, read: FILE_HEADER, tcpdump: None }
    }

    /// The frames that are new, and whole.
    pub(super) fn news(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (mut frames, mut rest) = (Vec::new(), bytes.as_slice());
        while let Some(four) = rest.get(8..12).and_then(|four| four.first_chunk()) {
            let end = HEADER + u32::from_ne_bytes(*four) as usize;
            let Some(frame) = rest.get(HEADER..end) else { break };
            frames.push(frame.to_vec());
            self.read += end as u64;
            rest = rest.get(end..).unwrap_or_default();
        }
        Ok(frames)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Some(tcpdump) = &mut self.tcpdump {
            let _ = tcpdump.kill();
            let _ = tcpdump.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn frames_are_read_once_each_and_only_when_they_are_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let record = |length: u32, frame: &[u8]| {
            [&[0; 8][..], &length.to_ne_bytes(), &length.to_ne_bytes(), frame].concat()
        };
        file.write_all(&[0; 24]).unwrap();
        let mut witness = Witness::of(file.path().to_owned());
        assert!(witness.news().unwrap().is_empty());
        let two = [record(2, &[1, 2]), record(3, &[3, 4])].concat();
        file.write_all(&two).unwrap();
        assert_eq!(witness.news().unwrap(), [[1, 2]]);
        file.write_all(&[5]).unwrap();
        assert_eq!(witness.news().unwrap(), [[3, 4, 5]]);
        assert!(witness.news().unwrap().is_empty());
    }
}

//! Any bytes as a ledger and, behind a zero byte, as a signature: what holds is written in one way only, and goes on.
#![no_main]

use creance_custody::{Deed, Ledger, Signed, SigningKey, verify};
use creance_model::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (ledger, signature) = (&bytes[..end], bytes.get(end + 1..));
    let answer = verify(ledger, signature, &[], None);
    assert!(answer.signed == Signed::No || signature.is_some());
    let Ok(mut read) = Ledger::read(ledger) else {
        assert!(!answer.faults.is_empty());
        return;
    };
    let deed = Deed {
        action: "sign".to_owned(),
        case: "0".to_owned(),
        tool: String::new(),
        started: Timestamp::default(),
        ended: Timestamp::default(),
        detail: Default::default(),
        files: Vec::new(),
    };
    let line = read.add(deed).unwrap();
    let whole = [ledger, line.as_bytes()].concat();
    let key = SigningKey::read(&SigningKey::pem(&[7; 32])).unwrap();
    let seal = key.sign(&read).unwrap();
    assert!(verify(&whole, Some(seal.as_bytes()), &[], Some(&key.public())).faults.is_empty());
});

//! Any bytes as a HAR: entries, conversations, messages. What is held and told stays within the limits.
#![no_main]

use creance_wire::Form;
use libfuzzer_sys::fuzz_target;

#[path = "../recording.rs"]
mod recording;

fuzz_target!(|bytes: &[u8]| recording::read(Form::Har, bytes));

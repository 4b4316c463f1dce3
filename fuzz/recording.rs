//! What both targets of recordings do: read all entries, with small limits so that a short input reaches them.

use creance_flow::recorded;
use creance_model::Flow;
use creance_wire::{Form, Keep, Limits, Means, Next, Recording};

pub fn read(form: Form, bytes: &[u8]) {
    let limits = Limits {
        head: 512,
        body: 256,
        decoded: 8192,
        parts: 64,
        depth: 6,
        keep: Keep::All,
        ..Limits::default()
    };
    let mut recording = Recording::new(form, Box::new(std::io::Cursor::new(bytes.to_vec())), &limits);
    let mut told = 0;
    while let Some(next) = recording.advance() {
        told += 1;
        assert!(told <= 2 * bytes.len() + 2, "nothing is told without end");
        let Next::Conversation(entry) = next else { continue };
        let (inside, inside_basis) = recorded(&[], entry.client.ip, entry.server.ip);
        let flow = Flow {
            id: entry.number,
            transport: entry.transport,
            client: entry.client,
            server: entry.server,
            inside,
            inside_basis,
            first: entry.first,
            client_mac: None,
            server_mac: None,
            app: None,
        };
        assert!(entry.first <= entry.last);
        let (number, sent) = (entry.number, entry.bytes);
        let mut reader = entry.into_reader(&Means::default());
        reader.finish(&flow, &limits, &mut |message| {
            assert_eq!(message.packets, [number]);
            assert!(message.parts.len() <= limits.parts + 600, "{} parts", message.parts.len());
        });
        for (readable, sent) in reader.readable().into_iter().zip(sent) {
            assert!(readable <= sent, "{readable} of {sent} bytes were read");
        }
    }
}

//! Hosts that talk over the link.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A conversation of so many bytes each way, under some weather: what was captured.
fn exchanged(weather: Weather, bytes: usize, seed: u64) -> (Duration, Tap) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let net = Net::new(seed, weather, None);
        tokio::spawn(net.clone().run());
        let at: SocketAddr = "8.210.75.200:80".parse().unwrap();
        let mut connections = net.listen(Host::World, at, 50).unwrap();
        tokio::spawn(async move {
            let mut stream = connections.recv().await.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            stream.write_all(&all).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let mut stream = net.connect(Host::Phone, at).await.unwrap();
        let sent: Vec<u8> = (0..bytes).map(|at| u8::try_from(at % 251).unwrap()).collect();
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, sent);
        drop(stream);
        tokio::time::sleep(Duration::from_secs(1)).await;
        (net.now(), net.take_tap())
    })
}

#[test]
fn what_is_sent_comes_back_whatever_the_weather() {
    let (fine, calm) = exchanged(Weather::default(), 300_000, 1);
    let rough = Weather { lost: 30, late: 60, ..Weather::default() };
    let (late, torn) = exchanged(rough, 300_000, 1);
    assert!(late > fine, "{late:?} {fine:?}");
    assert!(torn.packets() > calm.packets(), "{} {}", torn.packets(), calm.packets());
}

#[test]
fn the_same_seed_gives_the_same_capture() {
    let rough = Weather { lost: 30, late: 60, ..Weather::default() };
    let capture = |seed| {
        exchanged(rough.clone(), 50_000, seed).1.pcapng(creance_model::Timestamp::from_secs(0)).unwrap()
    };
    assert_eq!(capture(3), capture(3));
    assert_ne!(capture(3), capture(4));
}

//! Hosts that talk over the link.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A conversation of so many bytes each way, under some weather: what was captured.
fn exchanged(weather: Weather, bytes: usize, seed: u64) -> (Duration, Tap) {
    let (took, tap, _) = exchanged_over(None, weather, bytes, seed);
    (took, tap)
}

/// The same over a VPN: also, what was captured within, and whom the server saw.
fn exchanged_over(
    exit: Option<Exit>,
    weather: Weather,
    bytes: usize,
    seed: u64,
) -> (Duration, Tap, (Option<Tap>, IpAddr)) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let net = Net::new(seed, weather, None, exit);
        tokio::spawn(net.clone().run());
        let at: SocketAddr = "8.210.75.200:80".parse().unwrap();
        let mut connections = net.listen(Host::World, at, 50).unwrap();
        let (tell, caller) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            let mut stream = connections.recv().await.unwrap();
            tell.send(stream.remote().ip()).unwrap();
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
        let took = net.now();
        tokio::time::sleep(Duration::from_secs(15)).await;
        (took, net.take_tap(), (net.take_inside(), caller.await.unwrap()))
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
        let tap = exchanged(rough.clone(), 50_000, seed).1;
        tap.pcapng(creance_model::Timestamp::from_secs(0), creance_model::LinkType::ETHERNET).unwrap()
    };
    assert_eq!(capture(3), capture(3));
    assert_ne!(capture(3), capture(4));
}

#[test]
fn through_a_vpn_a_capture_sees_datagrams_to_its_server_and_the_server_of_a_host_sees_the_exit() {
    let exit = Exit::new("DE", &[], &mut fastrand::Rng::with_seed(1)).unwrap();
    let rough = Weather { lost: 20, late: 40, ..Weather::default() };
    let (_, tap, (inside, seen)) = exchanged_over(Some(exit.clone()), rough, 200_000, 2);
    assert_eq!(seen, IpAddr::from(exit.addresses.0));
    let way = exit.conversation();
    let mut sizes = std::collections::BTreeMap::new();
    for headers in tap.frames.iter().filter_map(|frame| frame.headers) {
        assert!(!headers.is_tcp && [headers.from, headers.to].contains(&way.outside), "{headers:?}");
        *sizes.entry(headers.payload).or_insert(0) += 1;
    }
    // One handshake; packets filled up to sixteens, but full ones, which stay as large as they are; and at the end an end that has nothing to say.
    assert_eq!((sizes[&148], sizes[&92]), (1, 1), "{sizes:?}");
    assert!(sizes[&1452] > 100 && sizes.contains_key(&32), "{sizes:?}");
    assert!(
        sizes.keys().all(|size| matches!(size, 148 | 92) || size % 16 == 0 || *size == 1452),
        "{sizes:?}"
    );
    let ports: std::collections::BTreeSet<u16> =
        inside.unwrap().frames.iter().filter_map(|frame| Some(frame.headers?.to.port())).collect();
    assert!(ports.contains(&80) && ports.len() == 2, "{ports:?}");
}

/// Port and first number of the tablet's first connection, in packets of which so many bytes stand before IP.
fn first(tap: &Tap, before: usize) -> (u16, smoltcp::wire::TcpSeqNumber) {
    let syn = tap.frames.iter().find(|frame| frame.headers.is_some_and(|headers| headers.begins)).unwrap();
    let ip = smoltcp::wire::Ipv4Packet::new_checked(&syn.bytes[before..]).unwrap();
    let tcp = smoltcp::wire::TcpPacket::new_checked(ip.payload()).unwrap();
    (tcp.src_port(), tcp.seq_number())
}

#[test]
fn with_a_vpn_and_without_a_connection_has_the_same_port_and_numbers() {
    let exit = Exit::new("DE", &[], &mut fastrand::Rng::with_seed(1)).unwrap();
    let (_, _, (inside, _)) = exchanged_over(Some(exit), Weather::default(), 1000, 6);
    assert_eq!(first(&inside.unwrap(), 0), first(&exchanged(Weather::default(), 1000, 6).1, HEAD));
}

/// Counters of the messages with packets that came from the server, in the order of their arrival.
fn counters(weather: Weather) -> Vec<u64> {
    let exit = Exit::new("DE", &[], &mut fastrand::Rng::with_seed(1)).unwrap();
    let (_, tap, _) = exchanged_over(Some(exit.clone()), weather, 100_000, 2);
    let server = exit.conversation().outside;
    let from = tap.frames.iter().filter(|frame| frame.headers.is_some_and(|headers| headers.from == server));
    let messages = from.filter_map(|frame| frame.bytes.get(HEAD + 20 + 8..));
    messages
        .filter(|message| message.first() == Some(&4))
        .map(|message| u64::from_le_bytes(message[8..16].try_into().unwrap()))
        .collect()
}

#[test]
fn what_is_lost_or_overtaken_on_the_way_back_shows_in_the_counters() {
    let calm = counters(Weather::default());
    assert!(calm.len() > 50 && calm.iter().copied().eq(0..calm.len() as u64), "{calm:?}");
    let lost = counters(Weather { lost: 30, ..Weather::default() });
    assert!(lost.is_sorted() && lost.windows(2).any(|two| two[1] > two[0] + 1), "{lost:?}");
    let late = counters(Weather { late: 60, ..Weather::default() });
    assert!(!late.is_sorted(), "{late:?}");
}

/// Identifications of IP, and options of TCP, of one end's packets.
fn headers(tap: &Tap, from_tablet: bool) -> (Vec<u16>, Vec<Vec<u8>>) {
    let ours = |frame: &&tap::Frame| {
        frame.headers.is_some_and(|headers| (headers.from.ip() == Host::Phone.ip()) == from_tablet)
    };
    let read = |frame: &tap::Frame| {
        let ethernet = smoltcp::wire::EthernetFrame::new_checked(frame.bytes.as_slice()).unwrap();
        let ip = smoltcp::wire::Ipv4Packet::new_checked(ethernet.payload()).unwrap();
        let tcp = smoltcp::wire::TcpPacket::new_checked(ip.payload()).unwrap();
        (ip.ident(), tcp.options().to_vec())
    };
    tap.frames.iter().filter(ours).map(read).unzip()
}

#[test]
fn packets_are_numbered_and_their_options_stand_in_the_order_of_linux() {
    let (_, tap) = exchanged(Weather::default(), 20_000, 1);
    let mut clocks = Vec::new();
    for from_tablet in [true, false] {
        let (all, options) = headers(&tap, from_tablet);
        // The answer to a beginning has none.
        let idents = if from_tablet { &all[..] } else { &all[1..] };
        assert!(
            idents.len() > 5 && idents.windows(2).all(|two| two[1] == two[0].wrapping_add(1)),
            "{idents:?}"
        );
        let (first, others) = options.split_first().unwrap();
        assert_eq!(
            (&first[..2], &first[4..8], &first[16..19]),
            (&[2, 4][..], &[4, 2, 8, 10][..], &[1, 3, 3][..])
        );
        assert!(others.iter().all(|options| options.starts_with(&[1, 1, 8, 10])), "{others:?}");
        assert_eq!(all[0] == 0, !from_tablet, "{all:?}");
        clocks.push(u32::from_be_bytes(first[8..12].try_into().unwrap()));
    }
    assert!(clocks[0].abs_diff(clocks[1]) > 1_000_000, "each has a clock of its own: {clocks:?}");
}

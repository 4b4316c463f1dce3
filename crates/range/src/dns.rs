//! Names: the router's resolver, and the app's side of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA},
    },
};

use crate::{
    Error,
    net::{Host, Net},
};

const PORT: u16 = 53;

/// How long an answer holds, in seconds.
const HOLDS: u32 = 300;

/// How often is asked, and how long is waited for an answer.
const TRIES: usize = 4;
const PATIENCE: Duration = Duration::from_secs(2);

const DOING: &str = "asking for a name";

/// Answers at an address for the names that there are, for ever.
pub(crate) async fn serve(net: Net, at: Ipv4Addr, names: BTreeMap<String, IpAddr>) -> Result<(), Error> {
    let socket = net.bind(Host::World, at.into(), Some(PORT)).map_err(Error::doing(DOING))?;
    loop {
        let (bytes, from) = socket.receive().await.map_err(Error::doing(DOING))?;
        let Ok(asked) = Message::from_vec(&bytes) else { continue };
        let answer = answer(&asked, &names).to_vec().map_err(Error::doing(DOING))?;
        socket.send(&answer, from).map_err(Error::doing(DOING))?;
    }
}

fn answer(asked: &Message, names: &BTreeMap<String, IpAddr>) -> Message {
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    answer.metadata.recursion_desired = asked.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    for query in &asked.queries {
        answer.add_query(query.clone());
        let name = query.name().to_ascii();
        match names.get(name.trim_end_matches('.')) {
            Some(IpAddr::V4(ip)) if query.query_type() == RecordType::A => {
                answer.add_answer(Record::from_rdata(query.name().clone(), HOLDS, RData::A(A(*ip))));
            }
            Some(IpAddr::V6(ip)) if query.query_type() == RecordType::AAAA => {
                answer.add_answer(Record::from_rdata(query.name().clone(), HOLDS, RData::AAAA(AAAA(*ip))));
            }
            // It exists, and has no record of this type.
            Some(_) => {}
            None => answer.metadata.response_code = ResponseCode::NXDomain,
        }
    }
    answer
}

/// What a host knows of names.
pub(crate) struct Resolver {
    net: Net,
    host: Host,
    random: Mutex<fastrand::Rng>,
    /// Of a VPN: its resolver, and the names that are asked for beside it.
    within: Option<(Ipv4Addr, BTreeSet<String>)>,
    known: Mutex<BTreeMap<String, (IpAddr, Duration)>>,
}

impl Resolver {
    pub(crate) fn new(
        net: &Net,
        host: Host,
        random: fastrand::Rng,
        within: Option<(Ipv4Addr, BTreeSet<String>)>,
    ) -> Arc<Self> {
        Arc::new(Self { net: net.clone(), host, random: Mutex::new(random), within, known: Mutex::default() })
    }

    /// The address of a name, asked for unless an answer holds still: of version 4, or else of version 6.
    pub(crate) async fn resolve(&self, name: &str) -> Result<IpAddr, Error> {
        let now = self.net.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        if let Some((ip, _)) = known.filter(|(_, until)| *until > now) {
            return Ok(ip);
        }
        for kind in [RecordType::A, RecordType::AAAA] {
            let Some(ip) = self.ask(name, kind).await? else { continue };
            let until = now + Duration::from_secs(HOLDS.into());
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), (ip, until));
            return Ok(ip);
        }
        Err(Error::Network { doing: DOING, why: format!("{name} has no address") })
    }

    /// Asks for records of a type: the address of the first.
    async fn ask(&self, name: &str, kind: RecordType) -> Result<Option<IpAddr>, Error> {
        let socket = self.net.bind(self.host, self.host.ip().into(), None).map_err(Error::doing(DOING))?;
        let id = self.random.lock().unwrap_or_else(PoisonError::into_inner).u16(..);
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        let asked = Name::from_ascii(format!("{name}.")).map_err(Error::doing(DOING))?;
        message.add_query(Query::query(asked, kind));
        let bytes = message.to_vec().map_err(Error::doing(DOING))?;
        for _ in 0..TRIES {
            let within = self.within.as_ref().filter(|(_, beside)| !beside.contains(name));
            let resolver = SocketAddr::from((within.map_or(Host::World.ip(), |(ip, _)| *ip), PORT));
            socket.send(&bytes, resolver).map_err(Error::doing(DOING))?;
            let Ok(answer) = tokio::time::timeout(PATIENCE, socket.receive()).await else { continue };
            let answer =
                Message::from_vec(&answer.map_err(Error::doing(DOING))?.0).map_err(Error::doing(DOING))?;
            return Ok(answer.answers.iter().find_map(|record| match &record.data {
                RData::A(A(ip)) => Some(IpAddr::V4(*ip)),
                RData::AAAA(AAAA(ip)) => Some(IpAddr::V6(*ip)),
                _ => None,
            }));
        }
        Err(Error::Network { doing: DOING, why: format!("no answer about {name}") })
    }
}

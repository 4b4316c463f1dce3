//! The app's connections: HTTP/1.1, HTTP/2, MQTT and WebSocket, over TLS or not.

mod http3;
mod mqtt;
mod socket;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    Error,
    clouds::{Cloud, Speaks, port},
    dns::Resolver,
    net::{Conversation, Host, Net, TcpStream},
    tls::{Authority, Client, Keys},
    truth::Sent,
};

/// A request to a cloud.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    pub(crate) secure: bool,
}

impl Outgoing {
    /// A request without a body.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            target: target.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            secure: true,
        }
    }

    /// A body of a type.
    pub(crate) fn post(target: impl Into<String>, kind: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { method: Method::POST, target: target.into(), headers, body: body.into(), secure: true }
    }

    /// With a header more.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Not over TLS.
    pub(crate) fn in_clear(self) -> Self {
        Self { secure: false, ..self }
    }
}

/// The app's way to the world.
pub(crate) struct App {
    net: Net,
    names: Arc<Resolver>,
    authority: Authority,
    keys: Arc<Keys>,
    agent: String,
    random: Mutex<fastrand::Rng>,
}

/// A connection that is open, and what is known of it.
struct Open {
    stream: Box<dyn Duplex>,
    conversation: Conversation,
    visibility: &'static str,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

const DOING: &str = "sending a request";

impl App {
    pub(crate) fn new(
        net: &Net,
        names: Arc<Resolver>,
        authority: Authority,
        vendor: &str,
        random: fastrand::Rng,
    ) -> Self {
        let agent = format!("{vendor}-pilot/3.4.1 (Android 14; tablet)");
        Self { net: net.clone(), names, authority, keys: Arc::default(), agent, random: Mutex::new(random) }
    }

    /// The secrets of all connections that are not pinned.
    pub(crate) fn keys(&self) -> String {
        self.keys.text()
    }

    async fn open(&self, cloud: &Cloud, secure: bool, pinned: bool, alpn: &[&str]) -> Result<Open, Error> {
        let ip = self.names.resolve(&cloud.host).await?;
        let to = SocketAddr::new(ip, port(cloud.speaks, secure));
        let stream = self.net.connect(Host::Phone, to).await.map_err(Error::doing(DOING))?;
        let conversation = conversation(&stream);
        if !secure {
            return Ok(Open { stream: Box::new(stream), conversation, visibility: "clear" });
        }
        let keys = (!pinned).then_some(&self.keys);
        let name = cloud.host.clone().try_into().map_err(Error::doing(DOING))?;
        let client = self.authority.client(Client::towards(cloud.role), alpn, keys)?;
        let stream = client.connect(name, stream).await.map_err(Error::doing(DOING))?;
        let visibility = if pinned { "opaque" } else { "keys" };
        Ok(Open { stream: Box::new(stream), conversation, visibility })
    }

    /// Sends requests over a connection of their own, each when the one before is answered: what they are together.
    pub(crate) async fn send(&self, cloud: &Cloud, all: Vec<Outgoing>, pinned: bool) -> Result<Sent, Error> {
        let secure = all.iter().all(|outgoing| outgoing.secure);
        if cloud.speaks == Speaks::Http3 && secure {
            return self.send_quic(cloud, all, pinned).await;
        }
        let two = cloud.speaks == Speaks::Http2 && secure;
        let alpn: &[&str] = if two { &["h2"] } else { &["http/1.1"] };
        let open = self.open(cloud, secure, pinned, alpn).await?;
        let bytes = all.iter().map(|outgoing| outgoing.body.len()).sum();
        let began = self.net.now();
        let stream = TokioIo::new(open.stream);
        // The connection ends when its sender is dropped.
        if two {
            let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .handshake(stream)
                .await
                .map_err(Error::doing(DOING))?;
            tokio::spawn(connection);
            for outgoing in all {
                let request = self.request(cloud, outgoing, two)?;
                let response = sender.send_request(request).await.map_err(Error::doing(DOING))?;
                response.into_body().collect().await.map_err(Error::doing(DOING))?;
            }
        } else {
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(stream).await.map_err(Error::doing(DOING))?;
            tokio::spawn(connection);
            for outgoing in all {
                let request = self.request(cloud, outgoing, two)?;
                sender.ready().await.map_err(Error::doing(DOING))?;
                let response = sender.send_request(request).await.map_err(Error::doing(DOING))?;
                response.into_body().collect().await.map_err(Error::doing(DOING))?;
            }
        }
        Ok(Sent {
            conversation: open.conversation,
            host: Some(cloud.host.clone()),
            country: cloud.country,
            began,
            ended: self.net.now(),
            protocol: if two { "http/2" } else { "http/1.1" },
            visibility: open.visibility,
            bytes,
        })
    }

    fn request(&self, cloud: &Cloud, outgoing: Outgoing, two: bool) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder().method(outgoing.method);
        request = if two {
            request.uri(format!("https://{}{}", cloud.host, outgoing.target))
        } else {
            request.uri(outgoing.target).header(header::HOST, &cloud.host)
        };
        request = request.header(header::USER_AGENT, &self.agent).header(header::ACCEPT, "*/*");
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(outgoing.body)).map_err(Error::doing(DOING))
    }
}

fn conversation(stream: &TcpStream) -> Conversation {
    Conversation { inside: stream.local(), outside: stream.remote(), is_tcp: true }
}

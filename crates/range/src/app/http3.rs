//! Requests over HTTP/3 (RFC 9114).

use std::{future::poll_fn, net::SocketAddr, sync::PoisonError};

use http_body_util::BodyExt;

use super::{App, Outgoing};
use crate::{
    Error,
    clouds::Cloud,
    net::{Conversation, Host, endpoint},
    tls::Client,
    truth::Sent,
};

const DOING: &str = "sending a request over QUIC";

impl App {
    /// Sends requests over a connection of their own, each when the one before is answered.
    pub(super) async fn send_quic(
        &self,
        cloud: &Cloud,
        all: Vec<Outgoing>,
        pinned: bool,
    ) -> Result<Sent, Error> {
        let ip = self.names.resolve(&cloud.host).await?;
        let to = SocketAddr::new(ip, 443);
        let socket =
            self.net.bind(Host::Phone, Host::Phone.ip().into(), None).map_err(Error::doing(DOING))?;
        let conversation = Conversation { inside: socket.local(), outside: to, is_tcp: false };
        let config =
            self.authority.quic_client(Client::towards(cloud.role), (!pinned).then_some(&self.keys))?;
        let endpoint = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            endpoint(socket, None, &mut random).map_err(Error::doing(DOING))?
        };
        let connection = endpoint.connect_with(config, to, &cloud.host).map_err(Error::doing(DOING))?;
        let connection = connection.await.map_err(Error::doing(DOING))?;
        let (mut driver, mut sender) =
            h3::client::new(h3_quinn::Connection::new(connection)).await.map_err(Error::doing(DOING))?;
        tokio::spawn(async move { poll_fn(|context| driver.poll_close(context)).await });

        let bytes = all.iter().map(|outgoing| outgoing.body.len()).sum();
        let began = self.net.now();
        for outgoing in all {
            let (head, body) = self.request(cloud, outgoing, true)?.into_parts();
            let body = body.collect().await.map_err(Error::doing(DOING))?.to_bytes();
            let request = hyper::Request::from_parts(head, ());
            let mut stream = sender.send_request(request).await.map_err(Error::doing(DOING))?;
            if !body.is_empty() {
                stream.send_data(body).await.map_err(Error::doing(DOING))?;
            }
            stream.finish().await.map_err(Error::doing(DOING))?;
            stream.recv_response().await.map_err(Error::doing(DOING))?;
            while stream.recv_data().await.map_err(Error::doing(DOING))?.is_some() {}
        }
        let ended = self.net.now();
        endpoint.close(0_u32.into(), b"");
        tokio::spawn(async move { endpoint.wait_idle().await });
        Ok(Sent {
            conversation,
            host: Some(cloud.host.clone()),
            country: cloud.country,
            began,
            ended,
            protocol: "http/3",
            visibility: if pinned { "opaque" } else { "keys" },
            bytes,
        })
    }
}

//! A session with an MQTT broker (OASIS MQTT 3.1.1).

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    QoS,
    v4::{Connect, Disconnect, Publish},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{App, Open};
use crate::{Error, clouds::Cloud, truth::Sent};

/// A session that publishes.
pub(crate) struct Telemetry<'a> {
    app: &'a App,
    cloud: &'a Cloud,
    open: Open,
    next: u16,
}

const DOING: &str = "publishing telemetry";

impl App {
    /// Connects to a broker, with a name and a password. What it was told goes with the session.
    pub(crate) async fn telemetry<'a>(
        &'a self,
        cloud: &'a Cloud,
        secure: bool,
        pinned: bool,
        client: &str,
        login: (&str, &str),
    ) -> Result<(Telemetry<'a>, Sent), Error> {
        let open = self.open(cloud, secure, pinned, &[]).await?;
        let mut connect = Connect::new(client);
        connect.keep_alive = 60;
        connect.set_login(login.0, login.1);
        let mut bytes = BytesMut::new();
        connect.write(&mut bytes).map_err(Error::doing(DOING))?;
        let mut session = Telemetry { app: self, cloud, open, next: 1 };
        let sent = session.exchange(&bytes).await?;
        Ok((session, sent))
    }
}

impl Telemetry<'_> {
    /// Publishes, and waits until the broker has it.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str) -> Result<Sent, Error> {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload);
        publish.pkid = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        let mut bytes = BytesMut::new();
        publish.write(&mut bytes).map_err(Error::doing(DOING))?;
        self.exchange(&bytes).await
    }

    /// Says goodbye.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        let mut bytes = BytesMut::new();
        Disconnect.write(&mut bytes).map_err(Error::doing(DOING))?;
        self.open.stream.write_all(&bytes).await.map_err(Error::doing(DOING))?;
        self.open.stream.shutdown().await.map_err(Error::doing(DOING))
    }

    async fn exchange(&mut self, bytes: &[u8]) -> Result<Sent, Error> {
        let began = self.app.net.now();
        let stream = &mut self.open.stream;
        stream.write_all(bytes).await.map_err(Error::doing(DOING))?;
        stream.flush().await.map_err(Error::doing(DOING))?;
        // CONNACK and PUBACK have four bytes.
        stream.read_exact(&mut [0; 4]).await.map_err(Error::doing(DOING))?;
        Ok(Sent {
            conversation: self.open.conversation,
            host: Some(self.cloud.host.clone()),
            country: self.cloud.country,
            began,
            ended: self.app.net.now(),
            protocol: "mqtt",
            visibility: self.open.visibility,
            bytes: bytes.len(),
        })
    }
}

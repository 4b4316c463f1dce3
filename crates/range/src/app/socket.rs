//! A WebSocket that stays open (RFC 6455).

use futures_util::SinkExt;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{App, Duplex};
use crate::{Error, clouds::Cloud, net::Conversation, truth::Sent};

/// A WebSocket.
pub(crate) struct Stream<'a> {
    app: &'a App,
    cloud: &'a Cloud,
    socket: WebSocketStream<Box<dyn Duplex>>,
    conversation: Conversation,
    visibility: &'static str,
}

const DOING: &str = "streaming";

impl App {
    /// Opens a WebSocket at a path.
    pub(crate) async fn stream<'a>(
        &'a self,
        cloud: &'a Cloud,
        pinned: bool,
        path: &str,
    ) -> Result<Stream<'a>, Error> {
        let open = self.open(cloud, true, pinned, &["http/1.1"]).await?;
        let address = format!("wss://{}{path}", cloud.host);
        let (socket, _) = client_async(address, open.stream).await.map_err(Error::doing(DOING))?;
        Ok(Stream { app: self, cloud, socket, conversation: open.conversation, visibility: open.visibility })
    }
}

impl Stream<'_> {
    /// Sends a text.
    pub(crate) async fn say(&mut self, text: String) -> Result<Sent, Error> {
        let began = self.app.net.now();
        let bytes = text.len();
        self.socket.send(Message::text(text)).await.map_err(Error::doing(DOING))?;
        // Nobody answers: it is there when the way has been gone there and back.
        tokio::time::sleep(std::time::Duration::from_millis(self.cloud.away * 2 + 30)).await;
        Ok(Sent {
            conversation: self.conversation,
            host: Some(self.cloud.host.clone()),
            country: self.cloud.country,
            began,
            ended: self.app.net.now(),
            protocol: "websocket",
            visibility: self.visibility,
            bytes,
        })
    }

    /// Says goodbye.
    pub(crate) async fn end(mut self) -> Result<(), Error> {
        self.socket.close(None).await.map_err(Error::doing(DOING))
    }
}

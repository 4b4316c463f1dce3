//! An MQTT broker that takes what is published.

use bytes::BytesMut;
use rumqttc::mqttbytes::{
    Error,
    v4::{ConnAck, ConnectReturnCode, Packet, PingResp, PubAck},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest packet, in bytes.
const LARGEST: usize = 1 << 20;

/// Answers until the client goes or talks nonsense.
pub(super) async fn serve<S>(mut stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut read = BytesMut::new();
    loop {
        match Packet::read(&mut read, LARGEST) {
            Ok(Packet::Disconnect) => return,
            Ok(packet) => {
                let mut written = BytesMut::new();
                if answer(&packet, &mut written).is_err() || stream.write_all(&written).await.is_err() {
                    return;
                }
            }
            Err(Error::InsufficientBytes(_)) => match stream.read_buf(&mut read).await {
                Ok(1..) => {}
                _ => return,
            },
            Err(_) => return,
        }
    }
}

fn answer(packet: &Packet, written: &mut BytesMut) -> Result<(), Error> {
    match packet {
        Packet::Connect(_) => ConnAck::new(ConnectReturnCode::Success, false).write(written)?,
        Packet::Publish(publish) if publish.pkid != 0 => PubAck::new(publish.pkid).write(written)?,
        Packet::PingReq => PingResp.write(written)?,
        _ => 0,
    };
    Ok(())
}

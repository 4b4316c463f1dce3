//! HTTP/3 servers.

use bytes::{Buf, Bytes};
use h3::server::RequestStream;
use hyper::Request;
use quinn::Endpoint;

use super::web::{Answers, THINKS, response};

/// Answers whoever connects, for ever.
pub(super) async fn serve(endpoint: Endpoint, answers: Answers) {
    while let Some(incoming) = endpoint.accept().await {
        let answers = answers.clone();
        // A client that goes away early is no fault of the server.
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            let connection = h3_quinn::Connection::new(connection);
            let Ok(mut connection) = h3::server::Connection::<_, Bytes>::new(connection).await else {
                return;
            };
            while let Ok(Some(resolver)) = connection.accept().await {
                let Ok((request, stream)) = resolver.resolve_request().await else { return };
                let _ = answer(&request, stream, &answers).await;
            }
        });
    }
}

async fn answer(
    request: &Request<()>,
    mut stream: RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>,
    answers: &Answers,
) -> Result<(), h3::error::StreamError> {
    while let Some(piece) = stream.recv_data().await? {
        debug_assert!(piece.remaining() > 0, "a piece has bytes");
    }
    tokio::time::sleep(THINKS).await;
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let (head, body) = response(&target, answers).into_parts();
    stream.send_response(hyper::Response::from_parts(head, ())).await?;
    stream.send_data(body).await?;
    stream.finish().await
}

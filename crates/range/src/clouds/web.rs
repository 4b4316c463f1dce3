//! What web servers answer: enough to keep an app content, and files to download.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, DATE, HeaderValue, LOCATION, SERVER},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    camera,
    moment::Clock,
    portal::{self, Gate},
    upload::upload_id,
};

/// What is the same for all servers of a run.
#[derive(Clone)]
pub(crate) struct Answers {
    /// Where the region service says that the app is: what it sees of the address and of the network's code.
    pub(crate) region: Arc<str>,
    /// The zones that aircraft download.
    pub(crate) zones: Bytes,
    /// A firmware: bytes that nobody can read.
    pub(crate) firmware: Bytes,
    /// A picture of a map.
    pub(crate) tile: Bytes,
    pub(crate) clock: Clock,
    /// What stands before the internet.
    pub(crate) gate: Gate,
    /// Photos that were shared with the community.
    pub(crate) posts: Posts,
}

/// Photos by their name, as they were uploaded. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posts(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Posts {
    /// Takes the photo of a form (RFC 7578) of the type of a request.
    fn take(&self, kind: &str, body: &Bytes) -> Option<()> {
        let (_, boundary) = kind.split_once("boundary=")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let at = body.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = text(body.get(..at)?);
        let (name, _) = head.split_once("filename=\"")?.1.split_once('"')?;
        let end = format!("\r\n--{boundary}--\r\n");
        let photo = body.get(at + 4..)?.strip_suffix(end.as_bytes())?;
        let mut posts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        posts.insert(name.to_owned(), body.slice_ref(photo));
        Some(())
    }

    fn get(&self, name: &str) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// How long a server thinks.
pub(super) const THINKS: Duration = Duration::from_millis(14);

/// HTTP/1.1 or HTTP/2, whichever begins.
pub(super) async fn http<S>(stream: S, answers: Answers)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request| answer(request, answers.clone()));
    let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // The machine's clock has no place in a capture of another day.
    builder.http1().auto_date_header(false);
    builder.http2().auto_date_header(false);
    // A client that goes away early is no fault of the server.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, answers: Answers) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    if path == "/v1/posts" {
        answers.posts.take(&kind, &body);
    }
    tokio::time::sleep(THINKS).await;
    Ok(response(&path, &answers).map(Full::new))
}

/// What is answered to a request for a path and a query.
pub(super) fn response(target: &str, answers: &Answers) -> Response<Bytes> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let page = |body: &'static str| (StatusCode::OK, Some("text/html"), Bytes::from(body));
    let (status, kind, body) = match path {
        "/generate_204" if !answers.gate.is_open() => (StatusCode::FOUND, None, Bytes::new()),
        "/login" => {
            page(r#"<!doctype html><title>Guest network</title><form method="post" action="/accept">"#)
        }
        "/accept" => {
            answers.gate.open();
            page("<!doctype html><title>Guest network</title><p>You are online.")
        }
        "/generate_204" => (StatusCode::NO_CONTENT, None, Bytes::new()),
        "/v1/region" => {
            let body = format!(r#"{{"code":0,"country":"{}","basis":"ip+gps+mcc"}}"#, answers.region);
            (StatusCode::OK, Some("application/json"), body.into())
        }
        "/zones/v7.json" => (StatusCode::OK, Some("application/json"), answers.zones.clone()),
        _ if query == "uploads" => {
            let id = upload_id(path);
            let body = format!(
                "<InitiateMultipartUploadResult><Key>{path}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            (StatusCode::OK, Some("application/xml"), body.into())
        }
        _ if path.starts_with("/firmware/") => {
            (StatusCode::OK, Some("application/octet-stream"), answers.firmware.clone())
        }
        // The photo of a post, byte for byte, for whoever wants to keep it.
        _ if path.starts_with("/original/") => match answers.posts.get(path.trim_start_matches("/original/"))
        {
            Some(photo) => (StatusCode::OK, Some("image/jpeg"), photo),
            None => (StatusCode::NOT_FOUND, None, Bytes::new()),
        },
        // Its page: the photo without what it said of itself.
        _ if path.starts_with("/p/") => {
            let photo = answers.posts.get(path.trim_start_matches("/p/"));
            let picture = photo.and_then(|photo| camera::bare(&photo).ok()).unwrap_or_default();
            let picture = BASE64.encode(&picture);
            let body = format!(
                r#"<!doctype html><title>A photo from above</title><img alt="" src="data:image/jpeg;base64,{picture}"><p>Public"#
            );
            (StatusCode::OK, Some("text/html"), body.into())
        }
        _ if path.starts_with("/tile/") => (StatusCode::OK, Some("image/jpeg"), answers.tile.clone()),
        _ => (StatusCode::OK, Some("application/json"), r#"{"code":0,"message":"ok"}"#.into()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status == StatusCode::FOUND
        && let Ok(location) = HeaderValue::from_str(&format!("http://{}/login", portal::HOST))
    {
        headers.insert(LOCATION, location);
    }
    headers.insert(SERVER, HeaderValue::from_static("nginx"));
    if let Ok(date) = HeaderValue::from_str(&answers.clock.http_date()) {
        headers.insert(DATE, date);
    }
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

/// A WebSocket that listens.
pub(super) async fn socket<S>(stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    use futures_util::StreamExt;
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    while let Some(Ok(_)) = socket.next().await {}
}

#[cfg(test)]
mod tests {
    use creance_model::Timestamp;

    use super::*;
    use crate::{behaviours::multipart, camera::Shot};

    #[test]
    fn what_was_shared_comes_back_as_it_was_and_without_what_it_said_of_itself() {
        let shot = Shot {
            vendor: "halyard",
            model: "Q4 Survey",
            firmware: "1",
            serial: "9H7KF2AAAABBBBCCCCDD",
            taken: String::new(),
            place: None,
        };
        let mut random = fastrand::Rng::with_seed(1);
        let photo = camera::picture(&shot, &mut random).unwrap();
        let (kind, body) = multipart(&[("photo", Some("A.JPG"), "image/jpeg", &photo)], &mut random);
        let answers = Answers {
            region: "US".into(),
            zones: Bytes::new(),
            firmware: Bytes::new(),
            tile: Bytes::new(),
            clock: Clock::new(Timestamp::from_secs(0)),
            gate: Gate::new(false),
            posts: Posts::default(),
        };
        assert_eq!(response("/original/A.JPG", &answers).status(), StatusCode::NOT_FOUND);
        answers.posts.take(&kind, &body.into()).unwrap();
        assert!(*response("/original/A.JPG", &answers).body() == photo);
        let page = String::from_utf8(response("/p/A.JPG", &answers).into_body().to_vec()).unwrap();
        let (_, picture) = page.split_once("base64,").unwrap();
        let picture = BASE64.decode(picture.split_once('"').unwrap().0.as_bytes()).unwrap();
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(holds(&photo, shot.serial.as_bytes()) && !holds(&picture, shot.serial.as_bytes()));
        // What is to be seen is the same.
        assert!(picture.starts_with(&[0xff, 0xd8]) && photo.ends_with(&picture[picture.len() - 5000..]));
    }
}

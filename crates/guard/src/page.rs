//! The page of the gateway: how it stands, and an operator's word, for a browser in the clients' network.
//!
//! A process of its own that asks the engine through the control socket, as the command does: whatever a browser sends, no cut waits
//! for it. Over plain HTTP, so that whoever hears the network hears the token: it is for a network that is encrypted itself.

#![expect(clippy::disallowed_types, reason = "the page is served")]

mod door;
mod http;
mod view;

use std::{
    io,
    net::{IpAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::{Answer, Config, Order, ask, config::Page, crowd::Crowd, metrics};
use door::{Door, Session};
use http::{Request, Response};

/// Connections at once, and those of one address.
const AT_ONCE: usize = 32;
const OF_ONE: usize = 4;
/// The cookie.
const COOKIE: &str = "creance";
/// Letters of the longest reason.
const REASON: usize = 200;

const HTML: &str = "text/html; charset=utf-8";

/// What all connections share.
struct House {
    config: Config,
    /// What browsers call it: address and port.
    names: Vec<String>,
    door: Mutex<Door>,
    /// Where the connections are from.
    crowd: Arc<Crowd<IpAddr>>,
}

/// Serves the page until the process ends.
pub fn serve(config: Config, page: &Page) -> io::Result<()> {
    let listener = TcpListener::bind((page.address, page.port))?;
    let house = Arc::new(House::new(config, page)?);
    for stream in listener.incoming().flatten() {
        let Ok(from) = stream.peer_addr() else { continue };
        let Some(place) = house.crowd.enter(from.ip()) else { continue };
        let house = Arc::clone(&house);
        // Whoever went away needs no answer; without a thread there is none.
        let _ = thread::Builder::new().spawn(move || {
            let _place = place;
            let _ = house.meet(stream, from.ip());
        });
    }
    Ok(())
}

impl House {
    fn new(config: Config, page: &Page) -> io::Result<Self> {
        let host = match page.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let mut names = vec![format!("{host}:{}", page.port)];
        if page.port == 80 {
            names.push(host);
        }
        let door = Mutex::new(Door::new(page.state.as_ref().unwrap_or(&config.state))?);
        Ok(Self { config, names, door, crowd: Crowd::new(AT_ONCE, OF_ONE) })
    }

    fn meet(&self, mut stream: TcpStream, from: IpAddr) -> io::Result<()> {
        http::patient(&stream)?;
        let response = match http::read(&mut stream) {
            Ok(request) => self.answer(&request, from, Instant::now())?,
            Err(Some(status)) => Response::refusal(status),
            Err(None) => return Ok(()),
        };
        http::write(&mut stream, &response)
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request, from: IpAddr, now: Instant) -> io::Result<Response> {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let session = cookie(header("cookie")).and_then(|id| self.door().session(id, now));
        if session.is_none() && !self.door().may_ask(from, now) {
            return Ok(Response::refusal(429));
        }
        // A name of somebody else that leads here is not ours.
        if !header("host").is_some_and(|host| self.names.iter().any(|name| name == host)) {
            return Ok(Response::refusal(421));
        }
        if request.post && !header("origin").is_none_or(|origin| self.is_ours(origin)) {
            return Ok(Response::refusal(403));
        }
        if (request.post, request.path.as_str()) == (false, "/style.css") {
            return Ok(Response::new(200, "text/css; charset=utf-8", view::STYLE.to_owned()));
        }
        if (request.post, request.path.as_str()) == (false, "/metrics") {
            return Ok(self.metrics(header("authorization"), session.is_some(), from, now));
        }
        let Some(session) = session else { return self.at_the_door(request, from, now) };
        if !request.post {
            return Ok(match request.path.as_str() {
                "/" => {
                    let said = self.door().said(&session);
                    html(200, view::main(&self.status(), &session.word, said.as_deref()))
                }
                "/wall" => html(200, view::wall(&self.status())).with("refresh", "3".to_owned()),
                _ => Response::refusal(404),
            });
        }
        let word = request.form.get("word").map_or("", String::as_str);
        if !self.door().same(word, &session.word) {
            return Ok(Response::refusal(403));
        }
        Ok(self.order(request, &session, from))
    }

    fn is_ours(&self, origin: &str) -> bool {
        origin.strip_prefix("http://").is_some_and(|host| self.names.iter().any(|name| name == host))
    }

    fn at_the_door(&self, request: &Request, from: IpAddr, now: Instant) -> io::Result<Response> {
        if !request.post {
            return Ok(html(if request.path == "/" { 200 } else { 401 }, view::login(None)));
        }
        let token = request.form.get("token").map_or("", |token| token.trim());
        if request.path != "/login" {
            return Ok(html(401, view::login(Some("Come in first."))));
        }
        let known = self.door().knows(token, from, now);
        match known {
            Err(door::TooOften) => Ok(html(429, view::login(Some("Too many wrong tokens: wait a minute.")))),
            Ok(false) => Ok(html(401, view::login(Some("That is not the token.")))),
            Ok(true) => {
                let id = self.door().begin(now)?;
                let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
                Ok(to("/").with("set-cookie", cookie))
            }
        }
    }

    fn metrics(&self, authorization: Option<&str>, session: bool, from: IpAddr, now: Instant) -> Response {
        let bearer = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let known = match bearer {
            Some(token) => self.door().knows(token, from, now),
            None => Ok(session),
        };
        match known {
            Ok(true) => Response::new(200, metrics::KIND, metrics::text(self.status().as_ref())),
            Ok(false) => Response::refusal(401).with("www-authenticate", "Bearer".to_owned()),
            Err(door::TooOften) => Response::refusal(429),
        }
    }

    fn order(&self, request: &Request, session: &Session, from: IpAddr) -> Response {
        let reason: String =
            request.form.get("reason").map_or("", |reason| reason.trim()).chars().take(REASON).collect();
        let reason = format!("{reason} (by the page, from {from})");
        let order = match request.path.as_str() {
            "/fly" => Order::Fly { reason },
            "/land" => Order::Land { reason },
            "/release" => Order::Release { reason },
            "/confirm" => {
                let code = request.form.get("code").map_or("", |code| code.trim());
                Order::Confirm { code: code.chars().take(16).collect() }
            }
            "/out" => {
                self.door().end(session);
                return to("/");
            }
            _ => return Response::refusal(404),
        };
        let said = match ask(&self.config.run, &order) {
            Ok(Answer { code: Some(code), status, .. }) => {
                return html(200, view::confirm(&code, &session.word, &Some(status)));
            }
            Ok(Answer { taken: true, .. }) => "Taken; it stands in the ledger.".to_owned(),
            Ok(Answer { says, .. }) => format!("Not taken: {says}"),
            Err(error) => unanswered(&error).to_owned(),
        };
        self.door().say(session, said);
        to("/")
    }

    fn status(&self) -> Option<Value> {
        ask(&self.config.run, &Order::Status).ok().map(|answer| answer.status)
    }
}

fn html(status: u16, body: String) -> Response {
    Response::new(status, HTML, body)
}

fn to(path: &str) -> Response {
    Response::new(303, "text/plain; charset=utf-8", String::new()).with("location", path.to_owned())
}

/// What is known of an order that was not answered: one that reached an engine may wait there, and be done later.
fn unanswered(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::PermissionDenied => {
            "Not taken: no engine answers."
        }
        _ => "No answer in time: it may be taken yet. Look again.",
    }
}

/// Our cookie among those that a browser sends.
fn cookie(header: Option<&str>) -> Option<&str> {
    header?.split(';').find_map(|one| one.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Visitor {
        house: House,
        _folder: tempfile::TempDir,
        token: String,
    }

    impl Visitor {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                "lan = ['a']\nwan = ['b']\nstate = '{0}'\nrun = '{0}'\npage = {{ address = '192.0.2.1', port = 8080 }}",
                folder.path().display()
            );
            let config = Config::read(&text).unwrap();
            let page = config.page.clone().unwrap();
            let house = House::new(config, &page).unwrap();
            let token = fs::read_to_string(folder.path().join("page.token")).unwrap().trim().to_owned();
            Self { house, _folder: folder, token }
        }

        fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
            self.ask_from("192.0.2.9", method, path, headers, body)
        }

        fn ask_from(&self, from: &str, method: &str, path: &str, headers: &str, body: &str) -> Response {
            let text =
                format!("{method} {path} HTTP/1.1\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
            let request = http::read(&mut text.as_bytes()).unwrap();
            self.house.answer(&request, from.parse().unwrap(), Instant::now()).unwrap()
        }

        /// Comes in: the header of a cookie, and the word of forms.
        fn come_in(&self) -> (String, String) {
            let answer = self.ask("POST", "/login", HOST, &format!("token={}", self.token));
            let cookie = answer.headers.iter().find(|(name, _)| *name == "set-cookie").unwrap().1.clone();
            assert!(cookie.contains("; HttpOnly; SameSite=Strict"));
            let headers = format!("{HOST}cookie: other=1; {}\r\n", cookie.split(';').next().unwrap());
            let page = self.ask("GET", "/", &headers, "").body;
            let word =
                page.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            (headers, word)
        }
    }

    const HOST: &str = "host: 192.0.2.1:8080\r\n";

    #[test]
    fn nothing_is_told_at_the_door() {
        let visitor = Visitor::new();
        for (method, path) in
            [("GET", "/"), ("GET", "/wall"), ("POST", "/fly"), ("POST", "/login"), ("GET", "/metrics")]
        {
            let answer = visitor.ask(method, path, HOST, "token=wrong");
            assert!(
                !answer.body.contains("nforcing") && answer.status != 303,
                "{method} {path}: {}",
                answer.body
            );
        }
        assert_eq!(visitor.ask("GET", "/", "host: evil.example\r\n", "").status, 421);
        let bearer = |token: &str| {
            visitor.ask("GET", "/metrics", &format!("{HOST}authorization: Bearer {token}\r\n"), "")
        };
        assert_eq!((bearer("wrong").status, bearer(&visitor.token).status), (401, 200));
    }

    #[test]
    fn whoever_knocks_too_often_waits() {
        let visitor = Visitor::new();
        let tried: Vec<u16> =
            (0..7).map(|_| visitor.ask("POST", "/login", HOST, "token=wrong").status).collect();
        assert_eq!(tried, [401, 401, 401, 401, 401, 429, 429]);
        visitor.come_in();
    }

    #[test]
    fn strangers_keep_no_operator_out() {
        let visitor = Visitor::new();
        let (headers, _) = visitor.come_in();
        let flood = || {
            (0..200).map(|_| visitor.ask("GET", "/", HOST, "").status).filter(|status| *status == 429).count()
        };
        assert!(flood() > 100);
        assert_eq!(visitor.ask("GET", "/wall", &headers, "").status, 200);
        let token = format!("token={}", visitor.token);
        assert_eq!(visitor.ask_from("192.0.2.10", "POST", "/login", HOST, &token).status, 303);
    }

    #[test]
    fn what_is_said_is_said_to_whoever_asked() {
        let visitor = Visitor::new();
        let (headers, word) = visitor.come_in();
        let (others, _) = visitor.come_in();
        assert_eq!(visitor.ask("POST", "/fly", &headers, &format!("word={word}&reason=x")).status, 303);
        let is_said = |headers: &str| visitor.ask("GET", "/", headers, "").body.contains("Not taken");
        assert_eq!([is_said(&others), is_said(&headers), is_said(&headers)], [false, true, false]);
    }

    #[test]
    fn an_order_that_was_heard_and_not_answered_is_not_called_refused() {
        let visitor = Visitor::new();
        let (headers, word) = visitor.come_in();
        let engine =
            std::os::unix::net::UnixListener::bind(visitor.house.config.run.join("control")).unwrap();
        // Two are asked, the order and how it stands; none is answered.
        let heard = thread::spawn(move || engine.incoming().take(2).flatten().count());
        visitor.ask("POST", "/fly", &headers, &format!("word={word}&reason=x"));
        let page = visitor.ask("GET", "/", &headers, "").body;
        assert!(page.contains("No answer in time") && !page.contains("Not taken"), "{page}");
        assert_eq!(heard.join().unwrap(), 2);
        let late = io::Error::from(io::ErrorKind::WouldBlock);
        assert!(unanswered(&late).starts_with("No answer in time"));
    }

    #[test]
    fn forms_of_other_pages_are_refused() {
        let visitor = Visitor::new();
        let (headers, word) = visitor.come_in();
        let form = format!("word={word}&reason=x");
        assert_eq!(visitor.ask("POST", "/fly", &headers, "reason=x").status, 403);
        assert_eq!(visitor.ask("POST", "/fly", &headers, "word=0&reason=x").status, 403);
        let evil = format!("{headers}origin: http://evil.example\r\n");
        assert_eq!(visitor.ask("POST", "/fly", &evil, &form).status, 403);
        let own = format!("{headers}origin: http://192.0.2.1:8080\r\n");
        assert_eq!(visitor.ask("POST", "/fly", &own, &form).status, 303);
        // No engine runs here, and the page says so.
        let page = visitor.ask("GET", "/", &headers, "").body;
        assert!(page.contains("Not taken: no engine answers.") && page.contains("Not enforcing"));
        assert_eq!(visitor.ask("POST", "/out", &own, &form).status, 303);
        assert_eq!(visitor.ask("GET", "/wall", &headers, "").status, 401);
    }
}

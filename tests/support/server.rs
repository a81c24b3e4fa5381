//! A smart-HTTP git server on loopback: threads around `git http-backend`, with statistics of requests and bytes.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Protocol v2, filters, any object by its id.
    Filters,
    /// Protocol v2, any object by its id, no filters.
    NoFilters,
    /// Protocol v0, no filters, only objects that refs point at.
    Strict,
    /// Protocol v0, filters, only objects that refs point at.
    StrictFilters,
    /// Like `Filters`, for the user `me` with the password `secret`.
    Locked,
    /// Files only, as on any web server.
    Dumb,
}

/// Where an answer stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The connection is accepted, and no byte is sent.
    Connected,
    /// The capabilities are sent, and nothing more.
    Advertised,
    /// Half of the list of refs.
    Refs,
    /// Half of the pack with the commits.
    Pack,
    /// Half of the pack with the blobs.
    Blobs,
}

/// How an answer stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slow {
    pub(crate) phase: Phase,
    /// This many bytes are sent one by one before the rest.
    pub(crate) drops: usize,
    /// The time between two of them; `None`: nothing is sent.
    pub(crate) pause: Option<Duration>,
}

/// The statistics of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    /// `METHOD PATH` of every request.
    pub(crate) requests: Vec<String>,
    /// Bytes of the requests' bodies.
    pub(crate) bytes_in: usize,
    /// Bytes of the answers, with headers.
    pub(crate) bytes_out: usize,
}

/// A running server; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stats: Arc<Mutex<Stats>>,
    stop: Arc<AtomicBool>,
    slow: Arc<Mutex<Option<Slow>>>,
}

/// Returns an environment without the user's own settings: `home` is HOME, `home/.gitconfig` the only configuration.
pub(crate) fn isolated_env(home: &Path) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = vec![
        ("HOME".into(), home.into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ("GIT_CONFIG_GLOBAL".into(), home.join(".gitconfig").into()),
    ];
    env.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
    env
}

/// Returns `path` as an upstream that needs no server.
pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

impl Server {
    /// Serves the repositories in `root`.
    pub(crate) fn start(root: &Path, mode: Mode) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let stats = Arc::new(Mutex::new(Stats::default()));
        let (stop, slow) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let (counted, stopped, root) = (Arc::clone(&stats), Arc::clone(&stop), root.to_owned());
        let slowed = Arc::clone(&slow);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let connection = Connection {
                    root: root.clone(),
                    mode,
                    stats: Arc::clone(&counted),
                    stop: Arc::clone(&stopped),
                    slow: Arc::clone(&slowed),
                };
                // A client that disconnects in the middle is not an error of the server.
                std::thread::spawn(move || drop(connection.serve(stream)));
            }
        });
        Server { address, stats, stop, slow }
    }

    /// Returns the url of the repository `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Sets how answers stop from now on, if at all.
    pub(crate) fn set_slow(&self, slow: Option<Slow>) {
        *self.slow.lock().expect("no thread panics with the lock") = slow;
    }

    /// Returns the statistics since the last call, and resets them.
    pub(crate) fn take_stats(&self) -> Stats {
        std::mem::take(&mut *self.stats.lock().expect("no thread panics with the lock"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

struct Connection {
    root: PathBuf,
    mode: Mode,
    stats: Arc<Mutex<Stats>>,
    stop: Arc<AtomicBool>,
    slow: Arc<Mutex<Option<Slow>>>,
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Phase {
    /// Returns where the answer to this request stops.
    fn begins(self, request: &Request, answer: &[u8]) -> Option<usize> {
        let asks = |what: &str| request.body.windows(what.len()).any(|part| part == what.as_bytes());
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        let middle = head + (answer.len() - head) / 2;
        match self {
            Phase::Connected => Some(0),
            Phase::Advertised => (request.method == "POST").then_some(0),
            Phase::Refs => asks("command=ls-refs").then_some(middle),
            Phase::Pack => (asks("command=fetch") && asks("deepen")).then_some(middle),
            Phase::Blobs => (asks("command=fetch") && !asks("deepen")).then_some(middle),
        }
    }
}

impl Connection {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        if self.slow().is_some_and(|slow| slow.phase == Phase::Connected) {
            self.wait_for_the_end();
            return Ok(());
        }
        while let Some(request) = read_request(&mut reader, &mut writer)? {
            let answer = self.answer(&request)?;
            let mut stats = self.stats.lock().expect("no thread panics with the lock");
            stats.requests.push(format!("{} {}", request.method, request.target));
            stats.bytes_in += request.body.len();
            stats.bytes_out += answer.len();
            drop(stats);
            match self.slow().and_then(|slow| Some((slow, slow.phase.begins(&request, &answer)?))) {
                None => writer.write_all(&answer)?,
                Some((slow, begins)) => self.drip(&mut writer, &answer, begins, slow)?,
            }
        }
        Ok(())
    }

    fn slow(&self) -> Option<Slow> {
        *self.slow.lock().expect("no thread panics with the lock")
    }

    fn wait_for_the_end(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn drip(&self, writer: &mut TcpStream, answer: &[u8], begins: usize, slow: Slow) -> io::Result<()> {
        writer.write_all(&answer[..begins])?;
        let Some(pause) = slow.pause else {
            self.wait_for_the_end();
            return Ok(());
        };
        let end = answer.len().min(begins + slow.drops);
        for byte in &answer[begins..end] {
            std::thread::sleep(pause);
            writer.write_all(&[*byte])?;
        }
        writer.write_all(&answer[end..])
    }

    fn answer(&self, request: &Request) -> io::Result<Vec<u8>> {
        if self.mode == Mode::Locked && request.header("authorization") != Some("Basic bWU6c2VjcmV0") {
            return Ok(reply("401 Unauthorized", &[("WWW-Authenticate", "Basic realm=\"git\"")], b""));
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if self.mode == Mode::Dumb {
            let file = self.root.join(path.trim_start_matches('/'));
            return Ok(match std::fs::read(file) {
                Ok(bytes) => reply("200 OK", &[("Content-Type", "text/plain")], &bytes),
                Err(_) => reply("404 Not Found", &[], b""),
            });
        }
        self.backend(request, path, query)
    }

    fn is_strict(&self) -> bool {
        matches!(self.mode, Mode::Strict | Mode::StrictFilters)
    }

    /// Runs `git http-backend` once, by CGI.
    fn backend(&self, request: &Request, path: &str, query: &str) -> io::Result<Vec<u8>> {
        let mut command = Command::new("git");
        command.arg("http-backend").env_clear().envs(isolated_env(Path::new("/nonexistent")));
        command.env("GIT_PROJECT_ROOT", &self.root).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_ADDR", "127.0.0.1");
        command.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", &request.method);
        command.env("CONTENT_TYPE", request.header("content-type").unwrap_or(""));
        command.env("CONTENT_LENGTH", request.body.len().to_string()).env("SERVER_PROTOCOL", "HTTP/1.1");
        if let Some(encoding) = request.header("content-encoding") {
            command.env("HTTP_CONTENT_ENCODING", encoding);
        }
        if let (Some(protocol), false) = (request.header("git-protocol"), self.is_strict()) {
            command.env("GIT_PROTOCOL", protocol);
        }
        let filters = matches!(self.mode, Mode::Filters | Mode::Locked | Mode::StrictFilters);
        let settings = [
            ("uploadpack.allowFilter", filters.to_string()),
            ("uploadpack.allowAnySHA1InWant", (!self.is_strict()).to_string()),
            ("safe.directory", "*".to_owned()),
        ];
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (place, (key, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{place}"), key).env(format!("GIT_CONFIG_VALUE_{place}"), value);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (stdin, body) = (child.stdin.take(), request.body.clone());
        let feeder = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&body)));
        let output = child.wait_with_output()?.stdout;
        drop(feeder.join());
        let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
        let head = String::from_utf8_lossy(&output[..end]).into_owned();
        let headers: Vec<_> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let status = headers.iter().find(|(key, _)| *key == "Status").map_or("200 OK", |(_, status)| *status);
        let kept: Vec<_> =
            headers.iter().copied().filter(|(key, _)| !matches!(*key, "Status" | "Content-Length")).collect();
        Ok(reply(status, &kept, output.get(end + 4..).unwrap_or_default()))
    }
}

fn reply(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (key, value) in headers {
        head.push_str(&format!("{key}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// Reads the next request of a connection; `None` when the client is done.
fn read_request(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((key, value)) => headers.push((key.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    request.body = if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        read_chunks(reader)?
    } else {
        let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        body
    };
    Ok(Some(request))
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim_end().split(';').next().unwrap_or("");
        let size = u64::from_str_radix(size, 16).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let before = body.len();
        reader.by_ref().take(size).read_to_end(&mut body)?;
        if body.len() == before && size != 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

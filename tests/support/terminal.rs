//! Runs a program on a separate pseudo-terminal, and shows what a person would see. A failure prints the screen.

#![allow(dead_code, clippy::unwrap_used, reason = "every test binary uses a part of it")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The keys that have no letter.
pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const DOWN: &str = "\u{1b}[B";

/// A terminal with a program on it.
pub(crate) struct Terminal {
    what: String,
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    mode: String,
}

/// How a program on a terminal ended.
pub(crate) struct Ended {
    pub(crate) code: u32,
    pub(crate) screen: String,
}

fn size((columns, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells((columns, rows): (u16, u16)) -> (NonZero<u16>, NonZero<u16>) {
    (NonZero::new(columns).unwrap(), NonZero::new(rows).unwrap())
}

impl Terminal {
    /// Starts `command` on a terminal of this many columns and rows; `what` names it in failures.
    pub(crate) fn start(what: impl Into<String>, command: CommandBuilder, columns_rows: (u16, u16)) -> Terminal {
        let pair = native_pty_system().openpty(size(columns_rows)).unwrap();
        let mode = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let (columns, rows) = cells(columns_rows);
        let screen = vt100::Parser::new(rows, columns, 0);
        Terminal { what: what.into(), screen, output, keys, child, master: pair.master, mode }
    }

    /// Returns the text on the screen.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    fn wait(&mut self, until: &str, is: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is(&self.screen()) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{}: {until}:\n{}", self.what, self.screen());
                }
            }
        }
    }

    /// Waits until `text` is on the screen, wherever its rows break: the length of the world's paths differs.
    #[track_caller]
    pub(crate) fn see(&mut self, text: &str) -> &mut Terminal {
        let is_there = |screen: &str| screen.contains(text) || screen.replace('\n', " ").contains(text);
        self.wait(&format!("no '{text}' on the screen"), is_there);
        self
    }

    /// Waits until `text` is no longer on the screen.
    #[track_caller]
    pub(crate) fn see_no(&mut self, text: &str) -> &mut Terminal {
        self.wait(&format!("'{text}' is on the screen"), |screen| !screen.contains(text));
        self
    }

    /// Waits until one of `texts` is on the screen, and returns which; `None`: the program has ended.
    pub(crate) fn see_one_of(&mut self, texts: &[&str]) -> Option<usize> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap().is_some();
            while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(10)) {
                self.screen.process(&bytes);
            }
            let screen = self.screen();
            match texts.iter().position(|text| screen.contains(text)) {
                _ if ended => return None,
                Some(n) => return Some(n),
                None => assert!(Instant::now() < deadline, "{}: none of {texts:?}:\n{screen}", self.what),
            }
        }
    }

    /// Waits a moment for `text` to leave the screen, or for the program to end.
    pub(crate) fn see_no_more(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.screen().contains(text) && self.child.try_wait().unwrap().is_none() {
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.screen.process(&bytes);
            }
            assert!(Instant::now() < deadline, "{}: '{text}' stays:\n{}", self.what, self.screen());
        }
    }

    /// Returns the text on the screen, line by line without blanks at their ends; waits for `expected`, or else until
    /// no more output comes.
    pub(crate) fn settled(&mut self, expected: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let seen: String = self.screen().lines().map(|line| format!("{}\n", line.trim_end())).collect();
            if seen == expected || Instant::now() > deadline {
                return seen;
            }
            match self.output.recv_timeout(Duration::from_millis(700)) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => return seen,
            }
        }
    }

    /// Types `keys`.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Terminal {
        // A program that has ended reads no more keys; the next check will notice it.
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).ok();
        self
    }

    /// Waits for `text`, and answers with `keys`.
    #[track_caller]
    pub(crate) fn answer(&mut self, text: &str, keys: &str) -> &mut Terminal {
        self.see(text).press(keys)
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&mut self, columns_rows: (u16, u16)) -> &mut Terminal {
        self.master.resize(size(columns_rows)).unwrap();
        let (columns, rows) = cells(columns_rows);
        self.screen.screen_mut().set_size(rows, columns);
        self
    }

    /// Kills the program with a signal that it cannot handle.
    pub(crate) fn kill(mut self) {
        let pid = rustix::process::Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        self.child.wait().unwrap();
    }

    /// Closes the terminal, and waits for the program.
    pub(crate) fn close(self) {
        let Terminal { mut child, keys, master, output, .. } = self;
        drop((keys, master));
        // A program that still writes must not wait for a reader.
        drop(output);
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it goes on without a terminal");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end; the terminal must be as it was before.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            match self.output.recv_timeout(Duration::from_millis(20)) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(_) => {
                    if let Some(status) = self.child.try_wait().unwrap() {
                        break status.exit_code();
                    }
                    assert!(Instant::now() < deadline, "{} does not end:\n{}", self.what, self.screen());
                }
            }
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
            self.screen.process(&bytes);
        }
        let screen = self.screen();
        assert_eq!(format!("{:?}", self.master.get_termios()), self.mode, "the terminal's mode\n{screen}");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden\n{screen}");
        assert!(!self.screen.screen().alternate_screen(), "the alternate screen is still there\n{screen}");
        Ended { code, screen }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn exits(self, code: u32) -> Ended {
        assert_eq!(self.code, code, "{}", self.screen);
        self
    }

    /// Checks that `text` is left on the ordinary screen.
    #[track_caller]
    pub(crate) fn left(self, text: &str) -> Ended {
        assert!(self.screen.contains(text), "no '{text}' on the screen:\n{}", self.screen);
        self
    }
}

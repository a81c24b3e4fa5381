//! Questions on a real terminal: a pseudo-terminal with this test program itself as what asks.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use patchq::ui::{Asker, Look, PromptError};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

type Failure = Box<dyn std::error::Error>;

/// Longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What runs on the terminal, as the other half of the tests below.
#[test]
#[ignore = "started by the other tests of this file, on a terminal"]
#[allow(clippy::print_stdout)]
fn asks() {
    // As the program does: an open question must survive the signal and tell of it.
    ctrlc::set_handler(|| {}).expect("there is no other handler in this process");
    let asker = Asker::new(&Look { terminal_in: true, terminal_err: true, ..Look::plain() });
    let name = asker.text("the url\u{1b}[2J", Some("https://upstream.example"));
    println!("\r\ntext: {}", said(name.as_ref()));
    if name.is_ok() {
        println!("sure: {}", said(asker.confirm("go on?", false).as_ref()));
    }
}

fn said<T: std::fmt::Debug>(answer: Result<&T, &PromptError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(PromptError::Interrupted) => "interrupted".to_owned(),
        Err(error) => format!("failed, {error:?}"),
    }
}

/// A terminal of 80 x 24 on which `asks` runs.
struct Terminal {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    mode: String,
}

impl Terminal {
    fn start() -> Result<Terminal, Failure> {
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 })?;
        let mode = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(std::env::current_exe()?);
        command.args(["asks", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command)?;
        let mut reader = pair.master.try_clone_reader()?;
        let (send, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer()?;
        Ok(Terminal { screen: vt100::Parser::default(), output, keys, child, master: pair.master, mode })
    }

    /// Waits until `text` is on the screen.
    fn see(&mut self, text: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(format!("no '{text}' on the screen:\n{}", self.screen.screen().contents()).into());
                }
            }
        }
        Ok(())
    }

    fn press(&mut self, keys: &str) -> Result<(), Failure> {
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    /// Waits for the end, and looks whether the terminal is as it was.
    fn end(mut self) -> Result<(), Failure> {
        self.see("test result: ok")?;
        assert_eq!(format!("{:?}", self.master.get_termios()), self.mode, "the terminal's mode");
        assert!(!self.screen.screen().hide_cursor(), "the cursor is hidden");
        assert!(self.child.wait()?.success());
        Ok(())
    }
}

#[test]
fn answers_come_back() -> Result<(), Failure> {
    let mut terminal = Terminal::start()?;
    terminal.see("the url\\x1b[2J [https://upstream.example]:")?;
    terminal.press("  https://other.example \r")?;
    terminal.see("text: \"https://other.example\"")?;
    terminal.see("go on? [y/N]")?;
    terminal.press("y")?;
    terminal.see("sure: true")?;
    terminal.end()
}

#[test]
fn enter_takes_what_is_offered() -> Result<(), Failure> {
    let mut terminal = Terminal::start()?;
    terminal.see("[https://upstream.example]:")?;
    terminal.press("\r")?;
    terminal.see("text: \"https://upstream.example\"")?;
    terminal.see("go on?")?;
    terminal.press("\r")?;
    terminal.see("sure: false")?;
    terminal.end()
}

#[test]
fn ctrl_c_is_an_answer_of_its_own() -> Result<(), Failure> {
    let mut terminal = Terminal::start()?;
    terminal.see("[https://upstream.example]:")?;
    terminal.press("abc\u{3}")?;
    terminal.see("text: interrupted")?;
    terminal.end()?;
    let mut terminal = Terminal::start()?;
    terminal.see("[https://upstream.example]:")?;
    terminal.press("\r")?;
    terminal.see("go on?")?;
    terminal.press("\u{3}")?;
    terminal.see("sure: interrupted")?;
    terminal.end()
}

//! Questions on a real terminal: a pseudo-terminal on which this test program itself asks.

#![allow(clippy::unwrap_used)]

use crate::shared::terminal::Terminal;
use patchq::ui::{Asker, Look, PromptError};
use portable_pty::CommandBuilder;

/// Runs on the terminal, as the other half of the tests below.
#[test]
#[ignore = "started by the other tests of this file, on a terminal"]
#[allow(clippy::print_stdout)]
fn asks() {
    // As in the program: an open question must survive the signal and report it.
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

/// Starts a terminal of 80 x 24 on which `asks` runs.
fn start() -> Terminal {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["terminal::asks", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("TERM", "xterm-256color");
    Terminal::start("asks", command, (80, 24))
}

/// Waits for the end, and checks that the terminal is as it was before.
fn end(mut terminal: Terminal) {
    terminal.see("test result: ok");
    terminal.end().exits(0);
}

#[test]
fn answers_come_back() {
    let mut terminal = start();
    terminal.see("the url\\x1b[2J [https://upstream.example]:");
    terminal.press("  https://other.example \r");
    terminal.see("text: \"https://other.example\"");
    terminal.see("go on? [y/N]");
    terminal.press("y");
    terminal.see("sure: true");
    end(terminal);
}

#[test]
fn enter_takes_what_is_offered() {
    let mut terminal = start();
    terminal.see("[https://upstream.example]:");
    terminal.press("\r");
    terminal.see("text: \"https://upstream.example\"");
    terminal.see("go on?");
    terminal.press("\r");
    terminal.see("sure: false");
    end(terminal);
}

#[test]
fn ctrl_c_is_an_answer_of_its_own() {
    let mut terminal = start();
    terminal.see("[https://upstream.example]:");
    terminal.press("abc\u{3}");
    terminal.see("text: interrupted");
    end(terminal);
    let mut terminal = start();
    terminal.see("[https://upstream.example]:");
    terminal.press("\r");
    terminal.see("go on?");
    terminal.press("\u{3}");
    terminal.see("sure: interrupted");
    end(terminal);
}

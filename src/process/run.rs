//! Runs one program: writes its input, reads its output, and ends it on request or at a limit.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

#[cfg(test)]
use super::end::GRACE;
use super::end::Running;
use super::look::Stillness;

/// How often a run is checked while it writes nothing.
const TICK: Duration = Duration::from_millis(50);

/// The same after it closed its pipes and is about to end.
const MOMENT: Duration = Duration::from_millis(2);

/// How long the pipes of a program that ended are read, if a process that it left behind holds them open.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// How long a run may take; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// How long it may do nothing: no reading, writing or computing.
    pub stall: Option<Duration>,
    /// How long it may take in all.
    pub total: Option<Duration>,
}

/// A stream that a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The input and settings of a run.
#[derive(Debug)]
pub struct Task<'a> {
    /// Its standard input.
    pub input: Vec<u8>,
    /// Whether it gets a group of its own, which can be ended together, but may not ask on the terminal.
    pub own_group: bool,
    /// How long it may take.
    pub limits: Limits,
    /// How long it has to end by itself once it is asked to, before it is killed.
    pub grace: Duration,
    /// While it is set, the program may be waiting for a person, and standing still is no stall.
    pub asking: &'a Cell<bool>,
    /// Set by the caller to end the run.
    pub cancel: &'a AtomicBool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The program exited.
    Exited(ExitStatus),
    /// The caller ended it.
    Cancelled,
    /// It made no progress for this long, and was ended.
    Stalled(Duration),
    /// It took longer than this, and was ended.
    TooLong(Duration),
}

enum Event {
    Said(Stream, Vec<u8>),
    End,
}

/// Runs `command` and calls `hear` with its output. Returns when the program ended, or soon after it was to end; the
/// child has been waited for then.
///
/// # Errors
/// [`std::io::Error`] when it cannot be started or waited for.
pub fn run(command: &mut Command, task: Task<'_>, hear: &mut dyn FnMut(Stream, &[u8])) -> std::io::Result<End> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if task.own_group {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let running = Running { pid: child.id(), own_group: task.own_group };
    running.begins();
    let events = talk(&mut child, task.input);
    let (began, mut still, mut open, mut exited) = (Instant::now(), Stillness::begin(), 2, None);
    loop {
        match events.recv_timeout(TICK) {
            Ok(Event::Said(stream, bytes)) => {
                hear(stream, &bytes);
                still.stir();
            }
            Ok(Event::End) => open -= 1,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(MOMENT),
        }
        if exited.is_none() {
            exited = running.ended(&mut child)?;
        }
        match exited {
            Some(status) if open <= 0 || still.quiet() > AFTERWARDS => return Ok(End::Exited(status)),
            // Its output before the end is still to be read.
            Some(_) => continue,
            None => {}
        }
        let end = if task.cancel.load(Ordering::Relaxed) {
            End::Cancelled
        } else {
            if task.asking.get() {
                still.stir();
            }
            match over(task.limits, began, &mut still, running.pid) {
                Some(end) => end,
                None => continue,
            }
        };
        running.end(&mut child, task.grace)?;
        return Ok(end);
    }
}

/// Returns the limit that a run has reached.
fn over(limits: Limits, began: Instant, still: &mut Stillness, pid: u32) -> Option<End> {
    if let Some(total) = limits.total.filter(|total| began.elapsed() > *total) {
        return Some(End::TooLong(total));
    }
    let stall = limits.stall?;
    (still.look(pid, stall) >= stall).then_some(End::Stalled(stall))
}

/// Writes to the child and reads from it in threads. They end with its pipes, and are not joined: a helper that
/// outlives a killed program may hold a pipe open.
fn talk(child: &mut Child, input: Vec<u8>) -> Receiver<Event> {
    let (sender, receiver) = channel();
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ends early closes the pipe; its exit status is what counts.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    if let Some(stdout) = child.stdout.take() {
        let sender = sender.clone();
        std::thread::spawn(move || drain(stdout, &sender, Stream::Out));
    }
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || drain(stderr, &sender, Stream::Err));
    }
    receiver
}

fn drain(mut pipe: impl Read, sender: &Sender<Event>, stream: Stream) {
    let mut buffer = [0; 16 * 1024];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                if sender.send(Event::Said(stream, buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    // After a run that was ended there is no receiver any more.
    drop(sender.send(Event::End));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::process::look::family;

    fn shell(script: &str, limits: Limits, asking: bool) -> (End, String, Duration) {
        let (asking, cancel) = (Cell::new(asking), AtomicBool::new(false));
        let (mut said, began) = (Vec::new(), Instant::now());
        let task = Task { input: Vec::new(), own_group: true, limits, grace: GRACE, asking: &asking, cancel: &cancel };
        let end = run(Command::new("sh").args(["-c", script]), task, &mut |_, bytes| said.extend_from_slice(bytes));
        (end.unwrap(), String::from_utf8(said).unwrap(), began.elapsed())
    }

    const fn stall(milliseconds: u64) -> Limits {
        Limits { stall: Some(Duration::from_millis(milliseconds)), total: None }
    }

    #[test]
    fn what_holds_the_pipes_of_a_program_that_ended_is_not_waited_for() {
        let (end, said, time) = shell("sleep 60 & echo done", Limits::default(), false);
        assert!(matches!(end, End::Exited(status) if status.success()) && said == "done\n", "{end:?}: {said}");
        assert!(time < Duration::from_secs(30), "{time:?}");
    }

    #[test]
    fn what_stands_still_is_ended_with_all_that_it_started() {
        let (end, said, time) = shell("sleep 600 & trap '' TERM; echo $$ $!; sleep 600; sleep 600", stall(500), false);
        assert_eq!(end, End::Stalled(Duration::from_millis(500)));
        assert!(time < Duration::from_secs(30), "{time:?}");
        for pid in said.split_whitespace() {
            let began = Instant::now();
            while family(pid.parse().unwrap()).first().is_some_and(|member| member.is_alive()) {
                assert!(began.elapsed() < Duration::from_secs(10), "{pid} still runs");
                std::thread::sleep(TICK);
            }
        }
    }

    #[test]
    fn who_may_wait_for_a_person_does_not_stand_still() {
        let (end, _, time) = shell("sleep 2", stall(300), true);
        assert!(matches!(end, End::Exited(_)) && time > Duration::from_secs(2), "{end:?}");
        let both = Limits { total: Some(Duration::from_secs(1)), ..stall(300) };
        assert_eq!(shell("sleep 600", both, true).0, End::TooLong(Duration::from_secs(1)));
    }

    #[test]
    fn a_byte_now_and_then_is_progress_and_so_is_work() {
        // Data between two other programs, which we do not see.
        let bytes = "for i in 1 2 3 4 5 6; do sleep 0.4; echo $i; done | while read line; do :; done";
        let work = "end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do :; done";
        for script in [bytes, work] {
            let (end, said, _) = shell(script, stall(1500), false);
            assert!(matches!(end, End::Exited(status) if status.success()), "{script}: {end:?} {said}");
        }
    }
}

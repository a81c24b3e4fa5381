//! Shows the progress of several upstreams on stderr: one line each, shown only after a short wait, and removed when it
//! is done.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use console::{measure_text_width, truncate_str};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Look, Paint, human};
use crate::path::printable;

/// Tasks that end sooner are not shown, to avoid flicker.
const PATIENCE: Duration = Duration::from_millis(250);

/// The lines of all tasks. Cheap to clone into threads; [`Progress::hidden`] if no one looks.
#[derive(Clone)]
pub struct Progress {
    screen: Option<Arc<Screen>>,
}

struct Screen {
    lines: MultiProgress,
    tasks: Mutex<Vec<ProgressBar>>,
    look: Look,
    /// Dropped to wake the thread that waits to show the lines.
    done: Mutex<Option<Sender<()>>>,
    waiter: Mutex<Option<JoinHandle<()>>>,
}

/// One line. It is removed when the task is dropped.
pub struct Task {
    name: String,
    line: Option<(Arc<Screen>, ProgressBar)>,
    bytes: Mutex<u64>,
}

impl Progress {
    /// Makes the progress on stderr if that is a terminal. The caller uses [`Progress::hidden`] for `--quiet` and
    /// `--json`.
    #[must_use]
    pub fn new(look: Look) -> Progress {
        if look.terminal_err { Progress::on(look, ProgressDrawTarget::stderr) } else { Progress::hidden() }
    }

    /// Makes a progress that is never shown.
    #[must_use]
    pub const fn hidden() -> Progress {
        Progress { screen: None }
    }

    fn on(look: Look, target: impl FnOnce() -> ProgressDrawTarget + Send + 'static) -> Progress {
        let screen = Arc::new(Screen {
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            tasks: Mutex::new(Vec::new()),
            look,
            done: Mutex::new(None),
            waiter: Mutex::new(None),
        });
        screen.show_later(target);
        Progress { screen: Some(screen) }
    }

    /// Adds a line for `name`, below the others.
    #[must_use]
    pub fn task(&self, name: &str) -> Task {
        let line = self.screen.as_ref().map(|screen| {
            let bar = screen.lines.add(ProgressBar::no_length());
            bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is constant and well formed"));
            lock(&screen.tasks).push(bar.clone());
            (Arc::clone(screen), bar)
        });
        Task { name: printable(name.as_bytes()), line, bytes: Mutex::new(0) }
    }

    /// Runs `print` while no line is on the screen, for messages in between.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.screen {
            Some(screen) => screen.lines.suspend(print),
            None => print(),
        }
    }

    /// Removes all lines from the screen until [`Progress::resume`]: something else uses the terminal.
    pub fn pause(&self) {
        if let Some(screen) = &self.screen {
            screen.hide();
        }
    }

    /// Shows the lines again if the wait has been long enough.
    pub fn resume(&self) {
        if let Some(screen) = &self.screen {
            screen.show_later(ProgressDrawTarget::stderr);
        }
    }

    /// Removes all lines from the screen permanently: at the end, and before a signal ends the process.
    pub fn clear(&self) {
        if let Some(screen) = &self.screen {
            screen.finish();
        }
    }
}

impl Screen {
    fn show_later(self: &Arc<Screen>, target: impl FnOnce() -> ProgressDrawTarget + Send + 'static) {
        let (done, over) = channel();
        let (lines, weak) = (self.lines.clone(), Arc::downgrade(self));
        let waiter = std::thread::spawn(move || {
            // Any other result means that all tasks ended in time.
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                lines.set_draw_target(target());
                let tasks = weak.upgrade().map(|screen| lock(&screen.tasks).clone()).unwrap_or_default();
                tasks.iter().for_each(ProgressBar::tick);
            }
        });
        *lock(&self.done) = Some(done);
        *lock(&self.waiter) = Some(waiter);
    }

    fn stop_waiting(&self) {
        lock(&self.done).take();
        let waiter = lock(&self.waiter).take();
        if let Some(waiter) = waiter.filter(|waiter| waiter.thread().id() != std::thread::current().id()) {
            // A waiter that panicked has nothing left to show.
            waiter.join().ok();
        }
    }

    fn hide(&self) {
        self.stop_waiting();
        // A closed terminal shows nothing anyway.
        self.lines.clear().ok();
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn finish(&self) {
        self.stop_waiting();
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for task in &tasks {
            task.finish_and_clear();
        }
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Task {
    /// Sets the stage, and how much of the total is done (`total` 0: unknown).
    pub fn set(&self, stage: &str, done: u64, total: u64) {
        let Some((screen, line)) = &self.line else { return };
        let bytes = *lock(&self.bytes);
        line.set_message(text(&screen.look, &self.name, stage, (done, total), bytes));
    }

    /// Sets how many bytes were received; shown with the next [`Task::set`].
    pub fn received(&self, bytes: u64) {
        *lock(&self.bytes) = bytes;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some((screen, line)) = &self.line {
            line.finish_and_clear();
            screen.lines.remove(line);
            lock(&screen.tasks).retain(|other| !other.is_finished());
        }
    }
}

/// Returns one line: `kubeflow  receiving objects  45 %  1.2 MB`.
fn text(look: &Look, name: &str, stage: &str, (done, total): (u64, u64), bytes: u64) -> String {
    let mut plain = format!("  {}", printable(stage.as_bytes()));
    if let Some(percent) = (u128::from(done.min(total)) * 100).checked_div(u128::from(total)) {
        plain.push_str(&format!("  {percent} %"));
    }
    if bytes > 0 {
        plain.push_str(&format!("  {}", human::size(bytes)));
    }
    // One column less than the width: some terminals break the line at the edge.
    let room = if look.width == 0 { usize::MAX } else { look.width.saturating_sub(1) };
    let name = truncate_str(name, room, look.ellipsis());
    let rest = truncate_str(&plain, room.saturating_sub(measure_text_width(&name)), look.ellipsis());
    format!("{}{rest}", look.paint(Paint::Strong, &name))
}

/// A poisoned lock only means that another thread panicked while it drew; the lines are still there.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;

    #[test]
    fn lines_say_how_far_it_is() {
        let look = Look::plain();
        assert_eq!(
            text(&look, "kubeflow", "receiving objects", (45, 100), 1_200_000),
            "kubeflow  receiving objects  45 %  1.2 MB"
        );
        assert_eq!(text(&look, "ray", "connecting", (0, 0), 0), "ray  connecting");
        assert_eq!(text(&look, "ray", "a\u{1b}[2J", (9, 3), 0), "ray  a\\x1b[2J  100 %");
    }

    #[test]
    fn lines_fit_the_screen() {
        let look = Look { width: 20, colour: true, ..Look::plain() };
        let line = text(&look, "kubeflow", "receiving objects", (45, 100), 1_200_000);
        assert_eq!(console::strip_ansi_codes(&line), "kubeflow  receivin…");
    }

    /// A terminal of 80 x 24 in memory.
    #[derive(Clone)]
    struct Screen80(Arc<Mutex<vt100::Parser>>);

    impl std::fmt::Debug for Screen80 {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.contents())
        }
    }

    impl Screen80 {
        fn contents(&self) -> String {
            let parser = lock(&self.0);
            let rows: Vec<String> = parser.screen().rows(0, 80).map(|row| row.trim_end().to_owned()).collect();
            rows.join("\n").trim_end().to_owned()
        }

        fn steer(&self, count: usize, letter: char) -> io::Result<()> {
            if count == 0 { Ok(()) } else { self.write_str(&format!("\u{1b}[{count}{letter}")) }
        }
    }

    impl TermLike for Screen80 {
        fn width(&self) -> u16 {
            80
        }
        fn height(&self) -> u16 {
            24
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.steer(n, 'A')
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.steer(n, 'B')
        }
        fn move_cursor_right(&self, n: usize) -> io::Result<()> {
            self.steer(n, 'C')
        }
        fn move_cursor_left(&self, n: usize) -> io::Result<()> {
            self.steer(n, 'D')
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(&format!("{line}\r\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            lock(&self.0).process(text.as_bytes());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\r\u{1b}[2K")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn watched() -> (Progress, Screen80) {
        let terminal = Screen80(Arc::new(Mutex::new(vt100::Parser::default())));
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        (Progress::on(Look::plain(), move || target), terminal)
    }

    #[test]
    fn what_is_quick_is_never_seen() {
        let (progress, terminal) = watched();
        let task = progress.task("kubeflow");
        task.set("connecting", 0, 0);
        assert_eq!(terminal.contents(), "");
        drop((task, progress));
        std::thread::sleep(PATIENCE * 2);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn what_is_slow_is_shown_and_removed() {
        let (progress, terminal) = watched();
        let (one, two) = (progress.task("kubeflow"), progress.task("ray"));
        one.set("connecting", 0, 0);
        std::thread::sleep(PATIENCE * 2);
        std::thread::scope(|scope| {
            scope.spawn(|| two.set("receiving objects", 1, 4));
        });
        assert_eq!(terminal.contents(), "kubeflow  connecting\nray  receiving objects  25 %");
        drop(one);
        assert_eq!(terminal.contents(), "ray  receiving objects  25 %");
        assert_eq!(progress.suspend(|| terminal.contents()), "");
        progress.clear();
        two.set("late", 1, 4);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn hidden_progress_takes_everything() {
        let progress = Progress::new(Look::plain());
        progress.task("x").set("y", 1, 2);
        assert_eq!(progress.suspend(|| 3), 3);
        progress.clear();
    }
}

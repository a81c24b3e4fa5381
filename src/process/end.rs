//! Ends a program that patchq started, and all processes that it started itself.

use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process, waitid,
};

use super::look::{Member, family};

/// How long what was asked to end may take before it is killed, where nothing is said of it.
pub const GRACE: Duration = Duration::from_secs(2);

/// The same when this process is about to end.
const SHORT_GRACE: Duration = Duration::from_millis(300);

const PAUSE: Duration = Duration::from_millis(10);

/// A running program, and whether it has a process group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) pid: u32,
    pub(super) own_group: bool,
}

/// The running programs that nobody has waited for: their process ids cannot be reused yet.
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

impl Running {
    pub(super) fn begins(self) {
        running().push(self);
    }

    /// Returns the status if the child ended, and then removes it from the running ones.
    pub(super) fn ended(self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let mut all = running();
        let status = child.try_wait()?;
        if status.is_some() {
            all.retain(|one| *one != self);
        }
        Ok(status)
    }

    /// Returns the processes to signal when the program has no group of its own: the program and all that it started.
    fn members(self) -> Vec<Member> {
        if self.own_group { Vec::new() } else { family(self.pid) }
    }

    fn signal(self, members: &[Member], signal: Signal) {
        // This fails only if the process is already gone.
        if let Some(pid) = pid(self.pid) {
            let _gone = if self.own_group { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
        }
        let others = members.iter().filter(|member| member.pid != self.pid && member.is_alive());
        for pid in others.filter_map(|member| pid(member.pid)) {
            let _gone = kill_process(pid, signal);
        }
    }

    /// Checks whether the child ended, without waiting for it, so that its process id and its group's stay reserved.
    fn is_over(self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        pid(self.pid).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }

    /// Asks the child and all with it to end (git removes its temporary files and locks then), kills what does not, and
    /// waits for the child.
    pub(super) fn end(self, child: &mut Child, grace: Duration) -> std::io::Result<()> {
        let members = self.members();
        self.signal(&members, Signal::TERM);
        let asked = Instant::now();
        while !self.is_over() && asked.elapsed() < grace {
            std::thread::sleep(PAUSE);
        }
        // Its processes are killed even if the child itself has ended: no one uses their work.
        self.signal(&members, Signal::KILL);
        let mut all = running();
        let waited = child.wait().map(drop);
        all.retain(|one| *one != self);
        waited
    }
}

/// Ends all running programs, for a process that is about to end itself: asks, and kills those that do not end soon.
pub fn end_all() {
    let all = running();
    let all: Vec<_> = all.iter().map(|one| (*one, one.members())).collect();
    all.iter().for_each(|(one, members)| one.signal(members, Signal::TERM));
    let asked = Instant::now();
    while !all.iter().all(|(one, _)| one.is_over()) && asked.elapsed() < SHORT_GRACE {
        std::thread::sleep(PAUSE);
    }
    all.iter().for_each(|(one, members)| one.signal(members, Signal::KILL));
}

/// Ends a process that another process started, with its group if it leads one, else with all that it started.
pub fn end_stranger(number: u32) {
    let Some(stranger) = Member::of(number) else { return };
    let one = Running { pid: number, own_group: stranger.leads() };
    let members = one.members();
    one.signal(&members, Signal::TERM);
    let asked = Instant::now();
    let lives = || stranger.is_alive() && pid(number).is_some_and(|pid| test_kill_process(pid).is_ok());
    while lives() && asked.elapsed() < GRACE {
        std::thread::sleep(PAUSE);
    }
    if one.own_group && !lives() {
        // Its parent may have waited for the leader. While a member of the group exists, the number is not reused.
        return;
    }
    one.signal(&members, Signal::KILL);
}

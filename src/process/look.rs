//! Inspects other processes, if the system allows it (Linux does, in `/proc`; see proc(5)).

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The shortest time between two looks at a process.
const INTERVAL: Duration = Duration::from_secs(1);

/// This share of a processor's time (in percent) counts as work; less is only polling.
const WORKING: u64 = 5;

/// Ticks of processor time in a second, as Linux shows them to programs, whatever the kernel uses.
const TICKS: u64 = 100;

/// A process, identified by its id and start time, because ids are reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pid: u32,
    began: u64,
}

/// The content of `/proc/PID/stat`.
struct Stat {
    state: char,
    group: u32,
    ticks: u64,
    began: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Stat> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        // The name, in brackets, may contain anything.
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Stat {
            state: fields.first()?.chars().next()?,
            group: u32::try_from(number(2)?).ok()?,
            ticks: number(11)? + number(12)?,
            began: number(19)?,
        })
    }
}

impl Member {
    /// Returns the process `pid` as it is now; `None` when there is none, or the system does not say.
    pub(super) fn of(pid: u32) -> Option<Member> {
        Stat::read(pid).map(|stat| Member { pid, began: stat.began })
    }

    /// Checks whether it still runs.
    pub(super) fn is_alive(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.began == self.began && !matches!(stat.state, 'Z' | 'X'))
    }

    /// Checks whether it leads a group.
    pub(super) fn leads(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.group == self.pid)
    }
}

/// Returns the process and all that it started, directly or not; nothing when the system does not say.
pub(super) fn family(pid: u32) -> Vec<Member> {
    let mut found: Vec<Member> = Vec::new();
    let mut waiting = vec![pid];
    while let Some(pid) = waiting.pop() {
        if found.iter().any(|known| known.pid == pid) {
            continue;
        }
        found.extend(Member::of(pid));
        for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            waiting.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// The work of processes since they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    /// Bytes read and written: files, pipes, connections.
    bytes: u64,
    ticks: u64,
}

fn work_of(pid: u32) -> Option<Work> {
    let mut work = Work { bytes: 0, ticks: 0 };
    for member in family(pid) {
        let Some(text) = fs::read_to_string(format!("/proc/{}/io", member.pid)).ok() else { continue };
        let count = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
        work.bytes += count("rchar:")? + count("wchar:")?;
        work.ticks += Stat::read(member.pid).map_or(0, |stat| stat.ticks);
    }
    (work != Work { bytes: 0, ticks: 0 }).then_some(work)
}

/// Checks whether the system shows the work of other processes. If not, only their output counts.
#[must_use]
pub fn sees_work() -> bool {
    work_of(std::process::id()).is_some()
}

/// How long a process and all that it started have done nothing: no bytes read or written, no computation.
#[derive(Debug)]
pub struct Stillness {
    since: Instant,
    looked: Instant,
    last: Option<Work>,
}

impl Stillness {
    /// Starts now.
    #[must_use]
    pub fn begin() -> Stillness {
        let now = Instant::now();
        Stillness { since: now, looked: now, last: None }
    }

    /// Records that the process did something.
    pub fn stir(&mut self) {
        self.since = Instant::now();
    }

    /// Returns how long it has done nothing, as far as was seen.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        self.since.elapsed()
    }

    /// Inspects the process `pid`, if the last look is long enough ago for a time limit of `limit`. Returns how long it
    /// has done nothing.
    pub fn look(&mut self, pid: u32, limit: Duration) -> Duration {
        let now = Instant::now();
        let passed = now.duration_since(self.looked);
        if passed < INTERVAL.min(limit / 4) {
            return now.duration_since(self.since);
        }
        let work = work_of(pid);
        let computed = |a: Work, b: Work| {
            let spent = b.ticks.saturating_sub(a.ticks) * 1000 / TICKS;
            u128::from(spent) * 100 > passed.as_millis() * u128::from(WORKING)
        };
        if let (Some(last), Some(work)) = (self.last, work)
            && (last.bytes != work.bytes || computed(last, work))
        {
            self.since = now;
        }
        (self.looked, self.last) = (now, work.or(self.last));
        now.duration_since(self.since)
    }
}

/// Checks whether the process `pid` leads a group, so that killing the group ends all of it.
#[must_use]
pub fn leads_group(pid: u32) -> bool {
    Member::of(pid).is_some_and(Member::leads)
}

/// Checks whether the process `pid` holds the lock (flock) on the file at `path`; `false` when the system does not say.
#[must_use]
pub fn holds(pid: u32, path: &Path) -> bool {
    let Ok(wanted) = fs::metadata(path) else { return false };
    // A lock belongs to the file handle that was locked; a process that waits for the lock has a different handle.
    let has_it = |handle: PathBuf| {
        let same = fs::metadata(&handle).is_ok_and(|meta| (meta.dev(), meta.ino()) == (wanted.dev(), wanted.ino()));
        let info = PathBuf::from(handle.to_string_lossy().replace("/fd/", "/fdinfo/"));
        same && fs::read_to_string(info).is_ok_and(|text| text.lines().any(|line| line.starts_with("lock:")))
    };
    let handles = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    handles.map(|entry| entry.path()).any(has_it)
}

/// Returns the processes that hold the lock (flock) on the file at `path` and had `variable` in their environment at
/// the start, sorted by id. Nothing when the system does not say.
#[must_use]
pub fn holders_of(path: &Path, variable: (&str, &str)) -> Vec<u32> {
    let marked = format!("{}={}", variable.0, variable.1);
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_marked = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == marked.as_bytes())
    };
    let mut found: Vec<u32> = pids.filter(|pid| is_marked(*pid) && holds(*pid, path)).collect();
    found.sort_unstable();
    found
}

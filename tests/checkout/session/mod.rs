//! Runs 1,000 random sessions over made-up histories and queues: a session that is interrupted, undone, asked in
//! another order and resolved in the checkout has the same result as an uninterrupted one; nothing is asked twice; an
//! aborted one leaves every byte unchanged.

#![allow(clippy::unwrap_used)]

mod answers;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::history::Dice;
use answers::{Key, Question, answer, in_checkout, questions};
use patchq::git::Objects;
use patchq::stack::{Labels, Rebased};
use patchq::workspace::conflict::hand_over::{HandedConflict, read_back};
use patchq::workspace::ops::refresh::RefreshOptions;
use patchq::workspace::{Aborted, abort};
use patchq::workspace::{Fetcher, Moving, UpstreamStore, collect_conflict};
use world::{World, ctx};

/// Four sessions per world; in the long form each of the tests below has 250.
const WORLDS: u64 = 63;
const SESSIONS: usize = 4;

/// What happens in a session besides answers.
#[derive(Debug, Clone, Copy, Default)]
struct Troubles {
    /// The process ends, and another one continues.
    interrupted: bool,
    /// Decisions are undone and made again.
    taken_back: bool,
    /// Questions are answered in any order.
    shuffled: bool,
    /// Conflicts are resolved in the checkout.
    checkout: bool,
    /// It is aborted after this many answers.
    given_up: Option<usize>,
}

/// A running session.
struct Run<'w> {
    world: &'w World,
    ws: &'w Path,
    seed: u64,
    troubles: Troubles,
    dice: Dice,
    /// The questions, with the order of their decisions; a question whose decision was undone may be asked again.
    asked: Vec<(u32, BTreeSet<Key>)>,
    ended: bool,
    checkouts: usize,
}

impl Run<'_> {
    fn whole(&mut self) {
        let mut processes = 0;
        while !self.ended {
            let first = processes == 0 || !self.ws.join("sessions/up.toml").exists();
            self.world.with_upstream(self.ws, |fetcher| self.process(fetcher, first));
            processes += 1;
            assert!(processes < 200, "a session without end: {}", self.told());
        }
    }

    fn told(&self) -> String {
        format!("seed {}, {:?}, {}", self.seed, self.troubles, self.ws.display())
    }

    /// Does what one process does, until it ends.
    fn process(&mut self, fetcher: &Fetcher<'_>, first: bool) {
        let upstream = fetcher.upstream;
        let mut moving = match first {
            true => Moving::begin(fetcher, &self.world.options()),
            false => Moving::resume(fetcher, &RefreshOptions::default()),
        }
        .unwrap_or_else(|error| panic!("{error}: {}", self.told()));
        loop {
            let rebased = moving.run().unwrap();
            let unused = moving.decisions().unused(&rebased);
            assert!(unused.is_empty(), "{unused:?}: {}", self.told());
            let open = questions(&moving, &rebased);
            let answers: usize = self.asked.iter().map(|(_, keys)| keys.len()).sum();
            if self.troubles.given_up.is_some_and(|after| answers >= after || open.is_empty()) {
                self.give_up(upstream, &mut moving, &rebased, open.first());
                return;
            }
            if open.is_empty() {
                moving.publish(&rebased, true, &ctx()).unwrap();
                self.ended = true;
                return;
            }
            let n = if self.troubles.shuffled { self.dice.roll(open.len()) } else { 0 };
            if self.troubles.checkout
                && self.dice.roll(3) == 0
                && self.in_checkout(upstream, &mut moving, &rebased, &open[n])
            {
                return;
            }
            self.note(moving.decisions().last() + 1, [open[n].key()]);
            moving.decide(answer(&open[n], self.seed), &rebased, &ctx()).unwrap();
            if self.troubles.taken_back && self.dice.roll(4) == 0 {
                let last = moving.decisions().last();
                let rebased = moving.run().unwrap();
                assert!(!moving.take_back(&rebased, &ctx()).unwrap().is_empty());
                self.asked.retain(|(order, _)| *order != last);
            }
            if self.troubles.interrupted && self.dice.roll(2) == 0 {
                return;
            }
        }
    }

    /// Checks that nothing is asked twice.
    fn note(&mut self, order: u32, keys: impl IntoIterator<Item = Key>) {
        let keys: BTreeSet<Key> = keys.into_iter().collect();
        for key in &keys {
            let twice = self.asked.iter().any(|(_, asked)| asked.contains(key));
            assert!(!twice, "asked twice: {key:?}: {}", self.told());
        }
        self.asked.push((order, keys));
    }

    /// Resolves all conflicts of the question's patch in the checkout; returns whether that is possible.
    fn in_checkout(
        &mut self,
        upstream: &UpstreamStore<'_>,
        moving: &mut Moving<'_>,
        rebased: &Rebased,
        open: &Question<'_>,
    ) -> bool {
        let Some(files) = in_checkout(moving, rebased, open, self.seed) else { return false };
        let labels = Labels { upstream: "upstream", base: "base", patch: "patch" };
        moving.hand_over(rebased, open.number, &labels, &ctx()).unwrap();
        self.checkouts += 1;
        for (path, made) in files {
            let file = upstream.checkout().join(&path);
            match made {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::remove_file(&file).unwrap_or_default(),
            }
            // A file without markers must be marked as resolved.
            world::git(&upstream.checkout(), &["add", "-A", "-f", "--sparse", "--", &path]);
        }
        let order = moving.decisions().last() + 1;
        let all = questions(moving, rebased);
        self.note(order, all.iter().filter(|other| other.number == open.number).map(Question::key));
        let mut objects = Objects::new(&upstream.store).unwrap();
        let back = read_back(upstream, &mut objects).unwrap().unwrap();
        assert!(back.is_decided() && back.others.is_empty(), "{back:?}: {}", self.told());
        collect_conflict(upstream, &mut objects, Some(&back), &ctx()).unwrap();
        assert!(HandedConflict::read(upstream).unwrap().is_none());
        true
    }

    fn give_up(
        &mut self,
        upstream: &UpstreamStore<'_>,
        moving: &mut Moving<'_>,
        rebased: &Rebased,
        open: Option<&Question<'_>>,
    ) {
        if let Some(open) = open.filter(|_| self.troubles.checkout)
            && in_checkout(moving, rebased, open, self.seed).is_some()
        {
            let labels = Labels { upstream: "upstream", base: "base", patch: "patch" };
            moving.hand_over(rebased, open.number, &labels, &ctx()).unwrap();
            fs::write(upstream.checkout().join("beside.txt"), "made meanwhile\n").unwrap();
            world::git(&upstream.checkout(), &["add", "-f", "--sparse", "beside.txt"]);
        }
        let kept = moving.is_kept();
        let aborted = abort(upstream, &ctx()).unwrap();
        assert_eq!(matches!(aborted, Aborted::Nothing), !kept, "{}", self.told());
        self.ended = true;
    }
}

/// Runs a session in a copy of the world's workspace; returns the resulting state, how many questions were asked, and
/// how often the checkout was used.
fn run(world: &World, name: &str, seed: u64, troubles: Troubles) -> (world::Seen, usize, usize) {
    let ws = world.copy(name);
    let mut run = Run {
        world,
        ws: &ws,
        seed,
        troubles,
        dice: Dice(seed ^ 0x5e55_1071),
        asked: Vec::new(),
        ended: false,
        checkouts: 0,
    };
    run.whole();
    let asked = run.asked.iter().map(|(_, keys)| keys.len()).sum();
    let (seen, checkouts) = (world.seen(&ws), run.checkouts);
    fs::remove_dir_all(&ws).unwrap();
    (seen, asked, checkouts)
}

/// Runs the sessions of some worlds; returns how many asked, and how many used the checkout.
fn sessions(first: u64, base: Troubles) {
    let (mut asked, mut checkouts) = (0, 0);
    let worlds = crate::support::rounds(WORLDS);
    for n in first..first + worlds {
        let world = World::new(n);
        let before = world.seen(&world.copy("before"));
        for session in 0..SESSIONS {
            let seed = n * 1000 + session as u64;
            let (plain, questions, _) = run(&world, "plain", seed, Troubles::default());
            let troubles = Troubles { taken_back: session % 2 == 1, shuffled: session % 4 > 1, ..base };
            let (other, again, handed) = run(&world, "other", seed, troubles);
            assert!(plain == other, "seed {seed}, {troubles:?}:\n{}", plain.differs(&other));
            assert!(questions == again || troubles.shuffled, "seed {seed}: {questions} questions, and {again}");
            let given_up = Troubles { given_up: Some(session), ..troubles };
            let (left, ..) = run(&world, "left", seed, given_up);
            assert!(before == left, "seed {seed}, {given_up:?}:\n{}", before.differs(&left));
            asked += questions;
            checkouts += handed;
        }
    }
    let all = worlds as usize * SESSIONS;
    assert!(asked > all, "{asked} questions in {all} sessions are too few");
    assert!(!base.checkout || checkouts > all / 8, "{checkouts} conflicts in the checkout are too few");
}

#[test]
fn interrupted_ones_first() {
    sessions(0, Troubles { interrupted: true, ..Troubles::default() });
}

#[test]
fn interrupted_ones_second() {
    sessions(1000, Troubles { interrupted: true, ..Troubles::default() });
}

#[test]
fn in_the_checkout_first() {
    sessions(2000, Troubles { interrupted: true, checkout: true, ..Troubles::default() });
}

#[test]
fn in_the_checkout_second() {
    sessions(3000, Troubles { checkout: true, ..Troubles::default() });
}

//! Moves between random trees with random sparse sets.

use std::fs;

use patchq::git::checkout::SparseSet;

use super::support::{World, executable, isolated, link};

/// A small random number generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const NAMES: [&str; 6] = ["a", "a-b", "a.b", "b", "c d", "e*"];

/// Writes something at a path of up to three parts, in place of what was there.
fn change(world: &World, dice: &mut Dice) {
    let up = world.dir.join("up");
    let mut path = up.clone();
    for _ in 0..=dice.below(3) {
        path.push(NAMES[dice.below(NAMES.len())]);
    }
    for above in path.ancestors().skip(1).take_while(|above| *above != up) {
        if fs::symlink_metadata(above).is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(above).unwrap();
        }
    }
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(&path).unwrap(),
        Ok(_) => fs::remove_file(&path).unwrap(),
        Err(_) => {}
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match dice.below(8) {
        0 => {}
        1 => link(NAMES[dice.below(NAMES.len())], &path),
        kind => {
            fs::write(&path, format!("{}\n", dice.below(4))).unwrap();
            if kind == 2 {
                executable(&path);
            }
        }
    }
}

#[test]
fn any_move_ends_as_git_would_have_it() {
    if !isolated("random::any_move_ends_as_git_would_have_it", "") {
        return;
    }
    for seed in 0..2 {
        let mut dice = Dice(seed);
        let world = World::new();
        for round in 0..20 {
            for _ in 0..10 {
                change(&world, &mut dice);
            }
            let commit = world.commit("round");
            let wanted: Vec<String> = (0..dice.below(4))
                .map(|_| {
                    let parts: Vec<&str> = (0..=dice.below(2)).map(|_| NAMES[dice.below(NAMES.len())]).collect();
                    parts.join("/")
                })
                .collect();
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let all = dice.below(4) == 0;
            let sparse = if all { SparseSet::everything() } else { world.sparse(commit, &wanted) };
            println!("seed {seed}, round {round}, {wanted:?}, everything {all}");
            world.done(commit, &sparse);
            world.assert_as_git(commit, &sparse);
        }
    }
}

//! Kills both ways at every step: after the next command the state is the same as without a kill.

use std::cell::Cell;
use std::process::Command;

use patchq::workspace::conflict::hand_over::{self, PutBack};

use super::world::{World, isolated, put};

const KILL: &str = "PATCHQ_TEST_KILL";

/// Runs in a separate process, because a kill runs no destructor.
#[test]
fn child() {
    let Ok(text) = std::env::var(KILL) else { return };
    let parts: Vec<&str> = text.split('|').collect();
    let world = World::at(parts[0].as_ref());
    let left: Cell<usize> = Cell::new(parts[1].parse().unwrap());
    let observe = |step: &str| {
        if left.get() == 0 {
            println!("dies before: {step}");
            std::process::abort();
        }
        left.set(left.get() - 1);
    };
    world.observed(&observe, |upstream, objects, ctx| match parts[2] {
        "over" => {
            let order = world.order(objects);
            hand_over::hand_over(upstream, objects, &order, Vec::new(), ctx).map(drop).unwrap();
        }
        _ => drop(hand_over::put_back(upstream, objects, PutBack::default(), ctx).unwrap()),
    });
}

fn dies(world: &World, step: usize, way: &str) -> Option<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["hand_over::kill::child", "--exact", "--nocapture"]);
    command.env(KILL, format!("{}|{step}|{way}", world.dir.display()));
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let died = said.lines().find_map(|line| line.split_once("dies before: ")).map(|(_, step)| step.to_owned());
    assert!(output.status.success() || died.is_some(), "{said}");
    died
}

fn edit(world: &World) {
    put(&world.co().join("app/main.py"), "resolved\n");
    put(&world.co().join("app/fresh.txt"), "new\n");
    world.git(&["add", "app/fresh.txt"]);
}

#[test]
fn at_every_step() {
    if !isolated("kill::at_every_step") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    world.hand_over();
    let over = world.seen();
    world.put_back(PutBack::default());
    let (mut forgotten, mut finished, mut steps) = (0, 0, Vec::new());
    for step in 0.. {
        let Some(at) = dies(&world, step, "over") else { break };
        // Any command finishes the interrupted step.
        world.patchq(&["status"]);
        let now = world.seen();
        if now == over {
            finished += 1;
            world.put_back(PutBack::default());
        } else {
            assert_eq!(now, before, "killed before '{at}'");
            forgotten += 1;
        }
        assert_eq!(world.seen(), before);
        steps.push(at);
    }
    world.put_back(PutBack::default());
    assert!(forgotten > 0 && finished > 10, "{forgotten} {finished} {steps:?}");
    for step in ["index", "head", "message", "pick", "refs"] {
        assert!(steps.iter().any(|at| at == step), "{step}: {steps:?}");
    }
    let (mut forgotten, mut finished, mut steps) = (0, 0, Vec::new());
    for step in 0.. {
        world.hand_over();
        edit(&world);
        let there = world.seen();
        let Some(at) = dies(&world, step, "back") else { break };
        world.patchq(&["status"]);
        let now = world.seen();
        if now == before {
            finished += 1;
        } else {
            assert_eq!(now, there, "killed before '{at}'");
            forgotten += 1;
            world.put_back(PutBack::default());
        }
        steps.push(at);
    }
    assert_eq!(world.seen(), before);
    assert!(forgotten > 0 && finished > 10, "{forgotten} {finished} {steps:?}");
    assert!(steps.iter().any(|at| at == "forget"), "{steps:?}");
}

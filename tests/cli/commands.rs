//! Writes `docs/commands.md`: the help of every command, as the program prints it. `SNAPSHOTS=overwrite cargo test
//! --test cli commands` writes it again; check the difference before committing it.

use crate::support::assert_kept;

/// The width of a page of text, and of `patchq help` on a wide terminal.
const WIDTH: usize = 100;

const HEAD: &str = "# Commands

The help of every command, as `patchq help COMMAND` prints it. Options that every command has are listed once, here at the top.
";

/// Returns the help without the options of every command, which are listed once for the program itself.
fn help(command: &clap::Command, is_top: bool) -> String {
    let mut command = command.clone().term_width(WIDTH);
    let text = command.render_long_help().to_string();
    let mut kept = Vec::new();
    let mut skipped = false;
    for line in text.lines() {
        skipped = match line {
            "Options of every command:" => !is_top,
            line if !line.is_empty() && !line.starts_with(' ') => false,
            _ => skipped,
        };
        if !skipped {
            kept.push(line.trim_end());
        }
    }
    kept.join("\n").trim_end().replace("\n\n\n", "\n\n")
}

/// Writes the command's section and those of its subcommands.
fn section(command: &clap::Command, names: &str, out: &mut String) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let is_top = names.is_empty();
    let names = if is_top { command.get_name().to_owned() } else { format!("{names} {}", command.get_name()) };
    let marks = "#".repeat(2 + names.split(' ').count().saturating_sub(2));
    out.push_str(&format!("\n{marks} `{names}`\n\n```text\n{}\n```\n", help(command, is_top)));
    for below in command.get_subcommands() {
        section(below, &names, out);
    }
}

#[test]
fn the_page_of_commands_is_what_help_says() {
    let mut command = patchq::cli::command_line();
    command.build();
    let mut page = HEAD.to_owned();
    section(&command, "", &mut page);
    assert_kept("docs/commands.md", page);
}

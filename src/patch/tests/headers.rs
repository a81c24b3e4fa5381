//! Tests of mail, DEP-3 and free text before the diffs.

use crate::patch::Strip;
use crate::patch::*;

const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

fn header(text: &str) -> Header {
    let patch = parse(format!("{text}{DIFF}").as_bytes(), Strip::Default).unwrap();
    patch.header
}

fn subject(text: &str) -> String {
    header(&format!("From: A B <a@b>\nSubject: {text}\n\n---\n")).subject.to_string()
}

#[test]
fn one_patch_bracket_goes() {
    for (text, want) in [
        ("[PATCH] x", "x"),
        ("[patch v2 2/3] x", "x"),
        ("[RFC PATCH 2/3] [fix] x", "[fix] x"),
        ("Re: [PATCH] x", "x"),
        ("Re: x", "Re: x"),
        ("[fix] x", "[fix] x"),
        ("[PATCH] [PATCH] x", "[PATCH] x"),
        ("[PATCH] =?iso-8859-1?q?f=FCr?=\n =?utf-8?b?IHg=?=", "für x"),
        ("[PATCH] folded\n line", "folded line"),
    ] {
        assert_eq!(subject(text), want, "{text}");
    }
}

#[test]
fn a_mail_reads_whole() {
    let text = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: =?UTF-8?q?J=C3=B6rg?= <j@x>\nDate: Fri, 5 Jan 2024 03:04:05 +0530\nSubject: [PATCH] x\nUpstream-Status: Pending\n\nWhy.  \n\nCVE: 1\n---\nnot said\n x | 2 +-\n 1 file changed, 1 insertion(+)\n\n";
    let read = header(text);
    assert_eq!(read.form, HeaderForm::Mail);
    assert_eq!(read.author, Some(Person { name: "Jörg".into(), email: "j@x".into() }));
    assert_eq!(read.date, Some(Date { seconds: 1_704_404_045, offset: 330 }));
    assert_eq!(read.message(), "x\n\nWhy.\n\nCVE: 1\nUpstream-Status: Pending\n");
    assert_eq!(read.trailers(), [("CVE".into(), "1".into()), ("Upstream-Status".into(), "Pending".into())]);
}

#[test]
fn encoded_bodies_hold_the_diff_too() {
    let head =
        "From: A B <a@b>\nSubject: x\nContent-Type: text/plain; charset=\"iso-8859-1\"\nContent-Transfer-Encoding: ";
    let quoted = format!("{head}quoted-printable\n\nf=FCr=\n alle\n---\n{}", DIFF.replace('=', "=3D"));
    let patch = parse(quoted.as_bytes(), Strip::Default).unwrap();
    assert_eq!((patch.header.body.to_string(), patch.preamble_len), ("für alle\n".to_owned(), 0));
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode([b"f\xfcr\n---\n", DIFF.as_bytes()].concat());
    let patch = parse(format!("{head}base64\n\n{body}\n").as_bytes(), Strip::Default).unwrap();
    assert_eq!((patch.header.body.to_string(), patch.files.len()), ("für\n".to_owned(), 1));
    assert!(parse(format!("{head}base64\n\n!!\n").as_bytes(), Strip::Default).is_err());
}

/// Reads a header as [`header`] does, from bytes.
fn raw(text: &[u8]) -> Header {
    parse(&[text, DIFF.as_bytes()].concat(), Strip::Default).unwrap().header
}

#[test]
fn every_text_is_utf8_whatever_the_file_says() {
    let utf8 = "text/plain; charset=utf-8";
    for (kind, body) in [
        ("text/plain", b"f\xfcr\n".as_slice()),
        ("text/plain; charset=iso-8859-1", b"f\xfcr\n"),
        ("text/plain; charset=us-ascii", b"f\xfcr\n"),
        ("text/plain; charset=klingon", b"f\xfcr\n"),
        (utf8, b"f\xfcr\n"),
        (utf8, "für\n".as_bytes()),
    ] {
        let mail = format!("From: =?UTF-8?q?J=C3=A4ne?= <j@x>\nSubject: x\nContent-Type: {kind}\n\n");
        let read = raw(&[mail.as_bytes(), body, b"---\n"].concat());
        assert_eq!((read.author.unwrap().name, read.body), ("Jäne".into(), "für\n".into()), "{kind} {body:?}");
    }
    let read = raw(b"From: J\xe4ne <j@x>\nSubject: f\xfcr\n\nf\xfcr\n---\n");
    assert_eq!((read.author.unwrap().name, read.subject, read.body), ("Jäne".into(), "für".into(), "für\n".into()));
    let read =
        raw(b"From: \xd1 <j@x>\nSubject: \xd1 =?utf-8?q?=C3=BC?=\nContent-Type: x; charset=koi8-r\n\n\xd1\n---\n");
    assert_eq!((read.author.unwrap().name, read.subject, read.body), ("я".into(), "я ü".into(), "я\n".into()));
    let read = raw(b"Description: f\xfcr\n m\xe4h\nAuthor: J\xe4ne <j@x>\nBug: \xe4\n\n");
    assert_eq!((read.author.unwrap().name, read.subject), ("Jäne".into(), "für".into()));
    assert_eq!(read.body, "mäh\n\nBug: ä\n");
    let read = raw(b"f\xfcr\n\nJ\xe4ne und J\xc3\xa4ne\nJ\xc3\xa4ne\n");
    assert_eq!(read.subject, "für");
    assert!(read.body.ends_with("Jäne\n".as_bytes()) && std::str::from_utf8(&read.body).is_ok(), "{}", read.body);
}

#[test]
fn dates_that_no_commit_can_have_are_the_nearest_that_one_can() {
    for (date, seconds) in [
        ("Fri, 1 Jan 1960 00:00:00 +0000", 0),
        ("Thu, 1 Jan 1970 00:00:00 +0100", 0),
        ("Mon, 5 Jan 0022 03:04:05 +0000", 0),
        ("Thu, 1 Jan 2150 00:00:00 +0000", 5_680_281_600),
    ] {
        let read = header(&format!("From: a <b@c>\nDate: {date}\nSubject: x\n\n---\n"));
        assert_eq!(read.date.map(|date| date.seconds), Some(seconds), "{date}");
        let again = header(&format!("From: a <b@c>\nDate: {}\nSubject: x\n\n---\n", read.date.unwrap().for_mail()));
        assert_eq!(again.date, read.date);
    }
}

#[test]
fn the_body_can_override_the_mail() {
    let read =
        header("From: List <l@x>\nSubject: [PATCH] x\n\nFrom: A B <a@b>\nSubject: better\n\nbody\nFrom: text\n---\n");
    assert_eq!(read.author.unwrap().email, "a@b");
    assert_eq!((read.subject.to_string(), read.body.to_string()), ("better".into(), "body\nFrom: text\n".into()));
}

#[test]
fn authors_in_every_form() {
    for (from, name, email) in [
        ("\"Doe, J. \\\"x\\\"\" <j@x>", "Doe, J. \"x\"", "j@x"),
        ("j@x (J Doe)", "J Doe", "j@x"),
        ("j@x", "j@x", "j@x"),
        ("=?utf-8?q?a=3Cb=3E?= <j@x>", "a<b>", "j@x"),
    ] {
        let author = header(&format!("From: {from}\nSubject: x\n\n---\n")).author.unwrap();
        assert_eq!((author.name.to_string(), author.email.to_string()), (name.into(), email.into()));
    }
}

#[test]
fn dep3_fields() {
    let read = header(
        "Description: Short\n Long text\n .\n more\nAuthor: A B <a@b>\nLast-Update: 2024-01-05\nBug-Debian: https://b/1\nForwarded: no\n\nfree text\n---\n",
    );
    assert_eq!(read.form, HeaderForm::Dep3);
    assert_eq!(read.subject, "Short");
    assert_eq!(read.body, "Long text\n\nmore\n\nfree text\n\nBug-Debian: https://b/1\nForwarded: no\n");
    assert_eq!((read.author.unwrap().name, read.date.unwrap().seconds), ("A B".into(), 1_704_412_800));
}

#[test]
fn free_text_and_nothing() {
    let text = header("\nFix: the thing\n\nbecause\n\n");
    assert_eq!((text.form, text.message().to_string()), (HeaderForm::Text, "Fix: the thing\n\nbecause\n".into()));
    let nothing = header("");
    assert_eq!((nothing.form, nothing.message().to_string()), (HeaderForm::None, String::new()));
    let patch = parse(format!("text\n\nIndex: x\n=======\n{DIFF}").as_bytes(), Strip::Default).unwrap();
    assert_eq!(patch.preamble_len, 6);
}

#[test]
fn trailers_are_a_whole_last_paragraph() {
    let of = |body: &str| header(&format!("From: a <b@c>\nSubject: x\n\n{body}---\n")).trailers().len();
    assert_eq!(of("Why: this\nis no trailer\n"), 0);
    assert_eq!(of("why\n\nA: 1\n more\nB: 2\n(cherry picked from commit 1)\n"), 2);
    assert_eq!(of("A: 1\n\nlast\n"), 0);
}

#[test]
fn messages_split_as_git_does() {
    let (subject, body) = split_message(b"\n\na\nb  \n\n\nc  \n\nd\n\n\n");
    assert_eq!((subject.to_string(), body.to_string()), ("a b".into(), "c\n\nd\n".into()));
    assert_eq!(split_message(b""), Default::default());
}

#[test]
fn a_bracket_that_only_looks_like_patch_stays() {
    for kept in ["[dispatch] x", "[hotpatching] x", "[devel-patches] x", "[PATCHES] x", "[patchwork] x"] {
        assert_eq!(subject(&format!("[PATCH] {kept}")), kept);
        assert_eq!(subject(kept), kept);
    }
    for gone in ["[PATCH v2 1/3]", "[PATCHv2]", "[RFC/PATCH]", "[RFC PATCH net-next]", "[patch]", "[PATCH-stable]"] {
        assert_eq!(subject(&format!("{gone} x")), "x", "{gone}");
    }
}

#[test]
fn of_several_authors_the_first_counts_and_none_is_lost() {
    let dep3 = |value: &str| header(&format!("Description: x\nAuthor: {value}\nForwarded: no\n"));
    for value in [
        "A One <a@b>, B Two <c@d>",
        "A One <a@b>; B Two <c@d>",
        "A One <a@b> and B Two <c@d>",
        "A One <a@b>,\n B Two <c@d>",
    ] {
        let header = dep3(value);
        let author = header.author.unwrap();
        assert_eq!((author.name.to_string(), author.email.to_string()), ("A One".to_owned(), "a@b".to_owned()));
        assert_eq!(header.body, "Co-authored-by: B Two <c@d>\nForwarded: no\n", "{value}");
    }
    let author = dep3("Doe, Jane <a@b>").author.unwrap();
    assert_eq!(author.name, "Doe, Jane");
}

fn told(text: &str) -> (String, String, String) {
    let header = header(text);
    let author = header.author.map_or(String::new(), |author| format!("{} <{}>", author.name, author.email));
    (author, header.subject.to_string(), header.body.to_string())
}

fn want(author: &str, subject: &str, body: &str) -> (String, String, String) {
    (author.to_owned(), subject.to_owned(), body.to_owned())
}

#[test]
fn a_header_may_touch_its_diff() {
    let mail = "From: A B <a@b>\nDate: Fri, 5 Jan 2024 03:04:05 +0000\nSubject: [PATCH] x\n";
    let dep3 = "Description: x\n more\nAuthor: A B <a@b>\nForwarded: no\n";
    for (text, form, body) in [
        (mail.to_owned(), HeaderForm::Mail, ""),
        (format!("{mail}---\n"), HeaderForm::Mail, ""),
        (format!("{mail}---\n x | 2 +-\n\n"), HeaderForm::Mail, ""),
        (format!("{mail}Index: x\n=======\n"), HeaderForm::Mail, ""),
        (format!("{mail}diff --git a/x b/x\nindex 1..2\n"), HeaderForm::Mail, ""),
        (dep3.to_owned(), HeaderForm::Dep3, "more\n\nForwarded: no\n"),
        (format!("{dep3}---\n"), HeaderForm::Dep3, "more\n\nForwarded: no\n"),
        (format!("{dep3}Index: x\n=======\n"), HeaderForm::Dep3, "more\n\nForwarded: no\n"),
    ] {
        assert_eq!(told(&text), want("A B <a@b>", "x", body), "{text}");
        let read = header(&text);
        assert_eq!((read.form, read.date.is_some()), (form, form == HeaderForm::Mail), "{text}");
    }
}

#[test]
fn what_stands_above_a_mail_belongs_to_it() {
    let line = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n";
    let mail = "From: A B <a@b>\nDate: Fri, 5 Jan 2024 03:04:05 +0000\nSubject: [PATCH] x\n\nWhy.\n\nSigned-off-by: A <a@b>\n---\n\n";
    let (own, author) = ("Why.\n\nSigned-off-by: A <a@b>\n", "A B <a@b>");
    for (above, first, last) in [
        ("Upstream-Status: Backport\n\n", "", "Upstream-Status: Backport\n"),
        (
            "Upstream-Status: Backport\nSigned-off-by: C <c@d>\n",
            "",
            "Upstream-Status: Backport\nSigned-off-by: C <c@d>\n",
        ),
        ("CVE: CVE-1\n\nSigned-off-by: C <c@d>\n\n", "", "CVE: CVE-1\nSigned-off-by: C <c@d>\n"),
        ("Backport of:\n\n", "Backport of:\n\n", ""),
        ("Description: theirs\nOrigin: there\n\n", "", "Description: theirs\nOrigin: there\n"),
        ("\n", "", ""),
    ] {
        let text = format!("{above}{line}{mail}");
        assert_eq!(told(&text), want(author, "x", &format!("{first}{own}{last}")), "{text}");
        assert_eq!(header(&text).form, HeaderForm::Mail);
    }
    let text = format!("Upstream-Status: Pending\n\n{mail}");
    assert_eq!(told(&text), want(author, "x", &format!("{own}Upstream-Status: Pending\n")));
    // A second one is another patch.
    assert!(
        parse(format!("Upstream-Status: Pending\n\n{line}{mail}{line}{mail}{DIFF}").as_bytes(), Strip::Default)
            .is_err()
    );
}

#[test]
fn trailers_alone_are_no_subject() {
    let both = "Upstream-Status: Pending\nSigned-off-by: A <a@b>\n";
    let two = "Signed-off-by: A <a@b>\nReviewed-by: C <c@d>\n";
    for text in [both, two] {
        for gap in ["", "\n", "---\n"] {
            assert_eq!(told(&format!("{text}{gap}")), want("", "", text));
        }
        assert_eq!(told(&format!("From: A B <a@b>\nSubject:\n\n{text}---\n")), want("A B <a@b>", "", text));
        assert_eq!(
            told(&format!("{text}\nWhat it does\n\nWhy.\n\n")),
            want("", "What it does", &format!("Why.\n\n{text}"))
        );
    }
}

#[test]
fn mercurials_and_gits_own_words_are_read() {
    let date = |text: &str| header(text).date.map(|date| (date.seconds, date.offset));
    let hg = "# HG changeset patch\n# User A B <a@b>\n# Date 1204567890 -3600\n#      Mon Mar 03 19:11:30 2008 +0100\n# Branch x\n# Node ID 0123\n# Parent  4567\nThe subject\n\nWhy.\n\n";
    assert_eq!(told(hg), want("A B <a@b>", "The subject", "Why.\n"));
    assert_eq!(date(hg), Some((1_204_567_890, 60)));
    let show = "commit 0123456789012345678901234567890123456789 (HEAD -> main)\nAuthor: A B <a@b>\nDate:   Fri Jan 5 03:04:05 2024 +0530\n\n    The subject\n\n    Why.\n      code\n\n";
    let body = "Why.\n  code\n";
    assert_eq!(told(show), want("A B <a@b>", "The subject", body));
    assert_eq!(date(show), Some((1_704_404_045, 330)));
    assert_eq!(told(&format!("{show}---\n x | 2 +-\n 1 file changed\n\n")), want("A B <a@b>", "The subject", body));
    for text in [hg, show] {
        assert_eq!(header(text).form, HeaderForm::Text);
        let above = told(&format!("Origin: there\n\n{text}"));
        assert!(above.2.ends_with("\n\nOrigin: there\n") && above.0 == "A B <a@b>", "{above:?}");
        // A description above it overrides the rest.
        assert_eq!(told(&format!("Description: ours\n\n{text}")).1, "ours");
    }
}

//! Writes a field of a mail header and breaks it into lines.
//!
//! The rules are those of the standards: a field may be broken before a blank, and a reader removes the break (RFC
//! 5322, 2.2.3); a line has at most 78 characters (2.1.1), and 76 in a field with encoded words (RFC 2047, 2). The
//! layout is the simplest one, and the one of `git format-patch`: a word goes on the current line if it fits, else it
//! begins a new line after one blank. Every blank separates two words, so between two blanks there is an empty word. A
//! word that is longer than a line is not broken. A control character takes one column. No line has only blanks:
//! readers take such a line as the end of the header.

use super::words::is_foreign;

/// The longest line of plain text.
const PLAIN: usize = 78;
/// The longest line of a field that has encoded words.
const ENCODED: usize = 76;
/// How an encoded word begins and ends.
const OPEN: &[u8] = b"=?UTF-8?q?";
const CLOSE: &[u8] = b"?=";

/// The place of an encoded word; an address allows fewer characters (RFC 2047, 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Subject,
    Address,
}

/// A field that is being written.
pub(crate) struct Field<'a> {
    out: &'a mut Vec<u8>,
    /// The used columns of the last line.
    column: usize,
    /// The most columns of a line.
    longest: usize,
    /// Whether the last line has only blanks so far.
    is_bare: bool,
}

impl<'a> Field<'a> {
    /// Begins the field with its label, which is never broken.
    pub(crate) fn new(label: &[u8], out: &'a mut Vec<u8>) -> Field<'a> {
        out.extend_from_slice(label);
        Field { out, column: label.len(), longest: PLAIN, is_bare: false }
    }

    /// Adds ASCII text.
    pub(crate) fn text(&mut self, text: &[u8]) {
        for (index, word) in text.split(|byte| *byte == b' ').enumerate() {
            let blank: &[u8] = if index > 0 { b" " } else { b"" };
            self.word(blank, word);
        }
    }

    /// Adds a word and the blank before it, if it has one.
    pub(crate) fn word(&mut self, blank: &[u8], word: &[u8]) {
        if self.column + blank.len() + word.len() > self.longest && !self.is_bare {
            self.next_line();
        } else {
            self.put(blank);
        }
        self.put(word);
        self.is_bare &= word.is_empty();
    }

    /// Adds any text as encoded words, as many as needed. No character is split between two words.
    pub(crate) fn encoded(&mut self, text: &[u8], place: Place) {
        self.longest = ENCODED;
        let mut letters = letters(text).map(|letter| escaped(letter, place)).peekable();
        while letters.peek().is_some() {
            let room = self.longest.saturating_sub(self.column + OPEN.len() + CLOSE.len());
            let mut content = String::new();
            while let Some(letter) = letters.next_if(|letter| content.len() + letter.len() <= room) {
                content.push_str(&letter);
            }
            if !content.is_empty() {
                [OPEN, content.as_bytes(), CLOSE].iter().for_each(|piece| self.put(piece));
                self.is_bare = false;
            }
            if letters.peek().is_some() {
                self.next_line();
            }
        }
    }

    /// Ends the field.
    pub(crate) fn end(self) {
        self.out.push(b'\n');
    }

    fn put(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.column += text.len();
    }

    fn next_line(&mut self) {
        self.out.extend_from_slice(b"\n ");
        self.column = 1;
        self.is_bare = true;
    }
}

/// Splits a text into characters; a byte that is not UTF-8 is one character.
fn letters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid();
        let ends = valid.char_indices().map(|(at, c)| (at, at + c.len_utf8()));
        ends.map(|(from, to)| &valid.as_bytes()[from..to]).chain(chunk.invalid().chunks(1))
    })
}

/// Encodes a character in the `q` encoding of encoded words (RFC 2047, 4.2). A blank could be `_` or `=20`; git writes
/// `=20`.
fn escaped(letter: &[u8], place: Place) -> String {
    match letter {
        [byte] if is_plain(*byte, place) => char::from(*byte).to_string(),
        bytes => bytes.iter().map(|byte| format!("={byte:02X}")).collect(),
    }
}

fn is_plain(byte: u8, place: Place) -> bool {
    match place {
        Place::Subject => !is_foreign(byte) && byte > b' ' && byte != 0x7f && !matches!(byte, b'=' | b'?' | b'_'),
        Place::Address => byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'*' | b'+' | b'-' | b'/'),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::decode;
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        let mut out = Vec::new();
        let mut field = Field::new(b"Subject: [PATCH] ", &mut out);
        field.text(text.as_bytes());
        String::from_utf8_lossy(&out).into_owned()
    }

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        let mut field = Field::new(b"Subject: [PATCH] ", &mut out);
        field.encoded(text.as_bytes(), Place::Subject);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn words_go_onto_the_line_while_there_is_room() {
        let subject = "a plain ascii subject that is quite long and needs to be folded because it is over 78 columns wide and more words and again more";
        let want = "Subject: [PATCH] a plain ascii subject that is quite long and needs to be\n folded because it is over 78 columns wide and more words and again more";
        assert_eq!(plain(subject), want);
        let long = "x".repeat(61);
        assert_eq!(plain(&long), format!("Subject: [PATCH] {long}"));
        assert_eq!(plain(&format!("{long}y z")), format!("Subject: [PATCH] \n {long}y z"));
        assert_eq!(plain(&format!("{long}  y")), format!("Subject: [PATCH] {long}\n  y"));
        let longer = "x".repeat(79);
        assert_eq!(plain(&format!("a {longer}  {longer}")), format!("Subject: [PATCH] a\n {longer}\n  {longer}"));
    }

    #[test]
    fn letters_go_into_the_encoded_word_while_there_is_room() {
        let subject =
            "Füge eine sehr lange Überschrift hinzu, die ganz bestimmt gefaltet werden muss und noch viel länger wird";
        let want = "Subject: [PATCH] =?UTF-8?q?F=C3=BCge=20eine=20sehr=20lange=20=C3=9Cberschr?=\n =?UTF-8?q?ift=20hinzu,=20die=20ganz=20bestimmt=20gefaltet=20werden=20muss?=\n =?UTF-8?q?=20und=20noch=20viel=20l=C3=A4nger=20wird?=";
        assert_eq!(encoded(subject), want);
    }

    #[test]
    fn a_line_without_room_for_one_letter_stays_without_a_word() {
        let mut out = Vec::new();
        let mut field = Field::new(&[b'x'; 66], &mut out);
        field.encoded("ö".as_bytes(), Place::Address);
        assert_eq!(String::from_utf8_lossy(&out[66..]), "\n =?UTF-8?q?=C3=B6?=");
    }

    proptest! {
        #[test]
        fn encoded_text_reads_back_and_fits(text in "\\PC{1,120}") {
            let lines = encoded(&text);
            prop_assert!(lines.lines().all(|line| line.len() <= ENCODED), "{}", lines);
            let unfolded = lines.replace('\n', "");
            let read = decode(&unfolded.as_bytes()[17..]);
            prop_assert_eq!(String::from_utf8_lossy(&read), text);
        }

        #[test]
        fn plain_text_is_broken_only_before_blanks(text in "[a-z]{1,9}( {1,3}[a-z]{1,90}){0,30}") {
            let lines = plain(&text);
            let is_long = |line: &&str| line.len() > PLAIN && line.trim_start().contains(' ');
            prop_assert_eq!(lines.lines().find(is_long), None);
            let unfolded = lines.replace("\n ", " ");
            prop_assert_eq!(unfolded["Subject: [PATCH] ".len()..].trim_start(), text);
        }
    }
}

//! Decodes and encodes `GIT binary patch`: git's base85, zlib, and deltas in git's pack format.
//!
//! Patches are untrusted: a number in a patch never causes an allocation by itself, and nothing grows beyond
//! [`LARGEST`]. The content stays compressed as in the patch file until someone needs it: most commands read a queue
//! without its content.

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::model::BinaryData;

/// The largest content, in bytes, that a binary patch may inflate to or build (256 MiB).
pub const LARGEST: usize = 256 << 20;

/// The largest sum of contents and deltas, in bytes, that one patch file may inflate to (512 MiB).
pub const LARGEST_IN_FILE: usize = 2 * LARGEST;

/// Bytes of a binary change: plain, or compressed as in the patch file.
#[derive(Debug, Clone)]
pub struct Data(Held);

#[derive(Debug, Clone)]
enum Held {
    Plain(Vec<u8>),
    /// A zlib stream that was checked to hold this many bytes.
    Packed(Vec<u8>, usize),
}

impl Data {
    /// Takes a zlib stream that is stated to hold `stated` bytes. It is inflated once to check that; the result is not
    /// kept.
    ///
    /// # Errors
    /// [`BinaryError`] when the stream is damaged, holds another number of bytes, or more than [`LARGEST`].
    pub(crate) fn packed(zlib: Vec<u8>, stated: usize) -> Result<Data, BinaryError> {
        let found = std::io::copy(&mut stream(&zlib, stated)?, &mut std::io::sink());
        let found = found.map_err(|_| BinaryError::BadStream)?;
        if found != stated as u64 {
            return Err(BinaryError::WrongSize { stated });
        }
        Ok(Data(Held::Packed(zlib, stated)))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Held::Plain(bytes) => Cow::Borrowed(bytes),
            Held::Packed(zlib, len) => {
                Cow::Owned(inflate(zlib, *len).expect("the stream was inflated when it was read"))
            }
        }
    }

    /// Returns the number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Plain(bytes) => bytes.len(),
            Held::Packed(_, len) => *len,
        }
    }

    /// Checks whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Data {
        Data(Held::Plain(bytes))
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Data) -> bool {
        self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for Data {}

/// Bytes that one line of base85 carries.
const PER_LINE: usize = 52;

const ALPHABET: &[u8; 85] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// Why a binary patch cannot be read or applied. Sizes and positions are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// The length letter of a line is invalid, or does not fit the line.
    #[error("a line does not have the length that its first letter says")]
    BadLength,
    /// A character that base85 does not use, or a group that overflows.
    #[error("a line is not base85")]
    BadDigit,
    /// The zlib stream is broken.
    #[error("the compressed data is damaged")]
    BadStream,
    /// The data inflates to another size than stated.
    #[error("the data does not have the {stated} bytes that are stated")]
    WrongSize {
        /// The size in the patch.
        stated: usize,
    },
    /// More than [`LARGEST`].
    #[error("{0} bytes are more than patchq accepts in a binary patch ({LARGEST})")]
    TooLarge(usize),
    /// A delta ends in the middle of an instruction, or uses the reserved one.
    #[error("the delta is damaged")]
    BadDelta,
    /// A delta was made against content of another size.
    #[error("the delta was made against {stated} bytes, the file has {found}")]
    WrongBase {
        /// The size in the delta.
        stated: usize,
        /// The size of the file.
        found: usize,
    },
    /// A delta copies from beyond the end of the old content.
    #[error("the delta copies from beyond the end of the file")]
    OutsideBase,
}

/// Applies `data` to `old` and returns the new content. A literal ignores `old`.
///
/// # Errors
/// [`BinaryError`] when a delta is damaged or was made against something else.
pub fn apply_binary(old: &[u8], data: &BinaryData) -> Result<Vec<u8>, BinaryError> {
    match data {
        BinaryData::Literal(content) => Ok(content.bytes().into_owned()),
        BinaryData::Delta(delta) => apply_delta(old, &delta.bytes()),
    }
}

/// Follows the copy and insert instructions of a delta (git's Documentation/gitformat-pack).
fn apply_delta(old: &[u8], delta: &[u8]) -> Result<Vec<u8>, BinaryError> {
    let mut rest = delta;
    let base = size(&mut rest)?;
    if base != old.len() {
        return Err(BinaryError::WrongBase { stated: base, found: old.len() });
    }
    let stated = size(&mut rest)?;
    if stated > LARGEST {
        return Err(BinaryError::TooLarge(stated));
    }
    let mut out = Vec::new();
    while let [op, after @ ..] = rest {
        rest = after;
        let piece = if op & 0x80 != 0 {
            let offset = number(&mut rest, op & 0x0f, 4)?;
            let len = match number(&mut rest, op >> 4 & 0x07, 3)? {
                0 => 0x10000,
                len => len,
            };
            old.get(offset..offset + len).ok_or(BinaryError::OutsideBase)?
        } else {
            let (piece, after) = rest.split_at_checked(usize::from(*op)).ok_or(BinaryError::BadDelta)?;
            rest = after;
            if piece.is_empty() {
                return Err(BinaryError::BadDelta);
            }
            piece
        };
        if out.len() + piece.len() > stated {
            return Err(BinaryError::WrongSize { stated });
        }
        out.extend_from_slice(piece);
    }
    if out.len() == stated { Ok(out) } else { Err(BinaryError::WrongSize { stated }) }
}

/// Reads a size in groups of seven bits, lowest first.
fn size(rest: &mut &[u8]) -> Result<usize, BinaryError> {
    let mut value = 0_usize;
    for shift in (0..56).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(BinaryError::BadDelta)?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BinaryError::BadDelta)
}

/// Reads a little-endian number that has only the bytes named by `mask`.
fn number(rest: &mut &[u8], mask: u8, bytes: u32) -> Result<usize, BinaryError> {
    let mut value = 0;
    for at in 0..bytes {
        if mask >> at & 1 == 1 {
            let (byte, after) = rest.split_first().ok_or(BinaryError::BadDelta)?;
            *rest = after;
            value |= usize::from(*byte) << (8 * at);
        }
    }
    Ok(value)
}

/// Returns a reader of a zlib stream that is stated to hold `stated` bytes; it ends one byte after them.
fn stream(packed: &[u8], stated: usize) -> Result<impl Read + '_, BinaryError> {
    if stated > LARGEST {
        return Err(BinaryError::TooLarge(stated));
    }
    Ok(ZlibDecoder::new(packed).take(stated as u64 + 1))
}

/// Inflates a zlib stream that is stated to hold `stated` bytes.
fn inflate(packed: &[u8], stated: usize) -> Result<Vec<u8>, BinaryError> {
    let mut out = Vec::new();
    stream(packed, stated)?.read_to_end(&mut out).map_err(|_| BinaryError::BadStream)?;
    if out.len() == stated { Ok(out) } else { Err(BinaryError::WrongSize { stated }) }
}

/// Compresses `data` to a zlib stream at the default level.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(data).and_then(|()| encoder.finish());
    written.expect("writing to a Vec cannot fail")
}

/// Encodes `data` in lines of base85, each with its length letter and a line feed, as git writes them.
pub(crate) fn encode_lines(data: &[u8], out: &mut Vec<u8>) {
    for line in data.chunks(PER_LINE) {
        let len = u8::try_from(line.len()).unwrap_or(0);
        out.push(if len <= 26 { b'A' + len - 1 } else { b'a' + len - 27 });
        for group in line.chunks(4) {
            let mut bytes = [0; 4];
            bytes[..group.len()].copy_from_slice(group);
            let mut value = u32::from_be_bytes(bytes);
            let mut digits = [0; 5];
            for digit in digits.iter_mut().rev() {
                *digit = ALPHABET[value as usize % 85];
                value /= 85;
            }
            out.extend_from_slice(&digits);
        }
        out.push(b'\n');
    }
}

/// Reads one line of base85 (without its line end) and appends its bytes.
pub(crate) fn decode_line(line: &[u8], out: &mut Vec<u8>) -> Result<(), BinaryError> {
    let (letter, digits) = line.split_first().ok_or(BinaryError::BadLength)?;
    let len = match letter {
        b'A'..=b'Z' => letter - b'A' + 1,
        b'a'..=b'z' => letter - b'a' + 27,
        _ => return Err(BinaryError::BadLength),
    };
    let len = usize::from(len);
    if digits.len() != len.div_ceil(4) * 5 {
        return Err(BinaryError::BadLength);
    }
    let end = out.len() + len;
    for group in digits.chunks_exact(5) {
        let mut value = 0_u32;
        for digit in group {
            let digit = ALPHABET.iter().position(|known| known == digit).ok_or(BinaryError::BadDigit)?;
            let digit = u32::try_from(digit).map_err(|_| BinaryError::BadDigit)?;
            value = value.checked_mul(85).and_then(|value| value.checked_add(digit)).ok_or(BinaryError::BadDigit)?;
        }
        out.extend_from_slice(&value.to_be_bytes());
    }
    out.truncate(end);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(data: &[u8]) -> Result<Vec<u8>, BinaryError> {
        let mut text = Vec::new();
        encode_lines(&deflate(data), &mut text);
        let mut packed = Vec::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            decode_line(line, &mut packed)?;
        }
        inflate(&packed, data.len())
    }

    proptest! {
        #[test]
        fn any_content_survives(data in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(round(&data), Ok(data));
        }
    }

    #[test]
    fn reads_what_git_wrote() {
        let mut packed = Vec::new();
        assert_eq!(decode_line(b"KcmZQzWC8#H2LJ>B", &mut packed), Ok(()));
        assert_eq!(inflate(&packed, 3), Ok(vec![0, 1, 2]));
        assert_eq!(inflate(&packed, 4), Err(BinaryError::WrongSize { stated: 4 }));
        assert_eq!(inflate(&packed, 2), Err(BinaryError::WrongSize { stated: 2 }));
    }

    #[test]
    fn what_was_read_stays_packed() {
        let zeros = vec![0; 4 << 20];
        let data = Data::packed(deflate(&zeros), zeros.len()).unwrap();
        assert!(matches!(&data.0, Held::Packed(zlib, _) if zlib.len() < 10_000));
        assert_eq!((data.len(), data == Data::from(zeros)), (4 << 20, true));
        assert_eq!(Data::packed(deflate(b"abc"), 2), Err(BinaryError::WrongSize { stated: 2 }));
        assert_eq!(Data::packed(b"rubbish".to_vec(), 2), Err(BinaryError::BadStream));
        assert_eq!(Data::packed(Vec::new(), LARGEST + 1), Err(BinaryError::TooLarge(LARGEST + 1)));
    }

    #[test]
    fn bad_lines_are_refused() {
        let mut out = Vec::new();
        assert_eq!(decode_line(b"", &mut out), Err(BinaryError::BadLength));
        assert_eq!(decode_line(b"A0000", &mut out), Err(BinaryError::BadLength));
        assert_eq!(decode_line(b"A0000,", &mut out), Err(BinaryError::BadDigit));
        assert_eq!(decode_line(b"D~~~~~", &mut out), Err(BinaryError::BadDigit));
    }

    #[test]
    fn deltas_copy_and_insert() {
        // Base of 6 bytes, result of 7: copy 3 from 0, insert "XY", copy 2 from 4.
        let delta = [6, 7, 0x90, 3, 2, b'X', b'Y', 0x91, 4, 2];
        assert_eq!(apply_binary(b"abcdef", &BinaryData::Delta(delta.to_vec().into())), Ok(b"abcXYef".to_vec()));
        let base = BinaryError::WrongBase { stated: 6, found: 1 };
        assert_eq!(apply_binary(b"a", &BinaryData::Delta(delta.to_vec().into())), Err(base));
        for (bad, why) in [
            (vec![6, 7, 0], BinaryError::BadDelta),
            (vec![6, 7, 0x91], BinaryError::BadDelta),
            (vec![6, 2, 0x91, 5, 2], BinaryError::OutsideBase),
            (vec![6, 1, 0x90, 3], BinaryError::WrongSize { stated: 1 }),
            (vec![6, 0xff, 0xff, 0xff, 0xff, 0x7f, 1], BinaryError::TooLarge(0x7_ffff_ffff)),
        ] {
            assert_eq!(apply_binary(b"abcdef", &BinaryData::Delta(bad.into())), Err(why));
        }
    }

    #[test]
    fn a_stated_size_allocates_nothing() {
        assert_eq!(inflate(&[], usize::MAX), Err(BinaryError::TooLarge(usize::MAX)));
        assert_eq!(inflate(&deflate(b"x"), LARGEST), Err(BinaryError::WrongSize { stated: LARGEST }));
    }
}

//! Writes bytes in JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bstr::{BString, ByteSlice};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Text from a repository or a patch: a JSON string if it is UTF-8, else `{"base64": "…"}`, so that no byte is lost or
/// guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub BString);

impl<T: AsRef<[u8]>> From<T> for Bytes {
    fn from(bytes: T) -> Bytes {
        Bytes(BString::from(bytes.as_ref()))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("base64", &STANDARD.encode(&self.0))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_a_string_and_the_rest_base64() {
        let json = |bytes: &[u8]| serde_json::to_string(&Bytes::from(bytes)).map_err(|error| error.to_string());
        assert_eq!(json("jupyter-ä\u{1b}".as_bytes()), Ok("\"jupyter-ä\\u001b\"".to_owned()));
        assert_eq!(json(b"caf\xe9"), Ok("{\"base64\":\"Y2Fm6Q==\"}".to_owned()));
        assert_eq!(json(b""), Ok("\"\"".to_owned()));
    }
}

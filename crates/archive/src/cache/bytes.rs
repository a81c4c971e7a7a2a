//! Numbers and texts as the cache writes them: little-endian, texts with their length in front. Pure.

/// Appends a text.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Appends a number, as its bytes.
pub(crate) fn put<const N: usize>(bytes: &mut Vec<u8>, number: [u8; N]) {
    bytes.extend_from_slice(&number);
}

/// Takes back what was appended, in the same order; nothing once the bytes are not what they should be.
pub(crate) struct Taker<'b> {
    bytes: &'b [u8],
}

impl<'b> Taker<'b> {
    pub(crate) fn of(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*taken)
    }

    pub(crate) fn take_bytes(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }

    pub(crate) fn take_text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.take_bytes()?).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

//! Base85: four bytes are five digits. Three alphabets are in use, and no two agree.

/// An alphabet, and what it is called.
type Alphabet = (&'static str, &'static [u8; 85]);

/// Adobe's and btoa's; that of RFC 1924, which Git and Python use; `ZeroMQ`'s (its RFC 32).
pub(super) const ALPHABETS: [Alphabet; 3] = [
    ("ascii85", b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu"),
    ("base85", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"),
    ("z85", b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"),
];

/// A value as it stands when so many bytes come before: the groups of four that hold nothing else.
pub(super) fn aligned(alphabet: &[u8; 85], value: &[u8], before: usize) -> Vec<u8> {
    let first = (4 - before % 4) % 4;
    let groups = value.get(first..).unwrap_or_default().chunks_exact(4);
    groups.filter_map(|group| group.first_chunk()).flat_map(|group| digits(alphabet, *group)).collect()
}

fn digits(alphabet: &[u8; 85], group: [u8; 4]) -> [u8; 5] {
    let number = u32::from_be_bytes(group);
    // 85⁴, 85³, … : the first digit weighs most.
    [52_200_625, 614_125, 7225, 85, 1].map(|unit| {
        let digit = number / unit % 85;
        alphabet.get(digit as usize).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_of_the_definitions() {
        // The test vector of ZeroMQ's RFC 32.
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        let [(_, ascii85), _, (_, z85)] = ALPHABETS;
        assert_eq!(aligned(z85, &bytes, 0), b"HelloWorld");
        assert_eq!(aligned(ascii85, b"Man sure.", 0), b"9jqo^F*2M7");
        assert_eq!(aligned(ascii85, b"xMan sure.", 3), b"9jqo^F*2M7");
    }
}

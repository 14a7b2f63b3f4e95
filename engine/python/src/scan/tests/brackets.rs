//! Brackets counted many bytes at a time against one by one.

use super::super::lex::balance;

#[test]
fn brackets_are_counted_in_code_of_any_length() {
    for pattern in [&b"("[..], b")", b"[{(", b"}])", b"a(b)c]", b"([{x", b"<>;[|\x00\xff"] {
        let code: Vec<u8> = pattern.iter().copied().cycle().take(5_000).collect();
        for length in (0..100).chain([2_031, 2_032, 2_033, 2_047, 2_048, 4_064, 4_065, 5_000]) {
            let one_by_one = code[..length].iter().map(|byte| match byte {
                b'(' | b'[' | b'{' => 1,
                b')' | b']' | b'}' => -1,
                _ => 0,
            });
            assert_eq!(balance(&code[..length]), one_by_one.sum::<i32>(), "{length} bytes");
        }
    }
}

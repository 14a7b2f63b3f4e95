//! Sets of small numbers: who reaches what, for all at once. Knows not what the numbers stand for.

/// Sets of small numbers, one a row, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BitRows {
    words: Vec<u64>,
    per_row: usize,
}

impl BitRows {
    /// So many empty sets of numbers below `numbers`.
    pub fn new(rows: usize, numbers: usize) -> Self {
        let per_row = numbers.div_ceil(64);
        Self { words: vec![0; rows * per_row], per_row }
    }

    fn row(&self, row: u32) -> std::ops::Range<usize> {
        let start = row as usize * self.per_row;
        start..start + self.per_row
    }

    /// Adds a number to a row.
    pub fn set(&mut self, row: u32, number: u32) {
        let start = self.row(row).start;
        self.words[start + number as usize / 64] |= 1 << (number % 64);
    }

    /// Adds the set of a row before `row` to it.
    pub fn join(&mut self, row: u32, other: u32) {
        debug_assert!(other < row);
        let at = self.row(row).start;
        let (before, from) = self.words.split_at_mut(at);
        let start = other as usize * self.per_row;
        for (word, more) in from.iter_mut().zip(&before[start..start + self.per_row]) {
            *word |= more;
        }
    }

    /// The union of these rows, in order.
    pub fn union(&self, rows: &[u32]) -> Vec<u32> {
        let mut all = vec![0_u64; self.per_row];
        for row in rows {
            for (word, more) in all.iter_mut().zip(&self.words[self.row(*row)]) {
                *word |= more;
            }
        }
        let mut numbers = Vec::new();
        for (at, mut word) in (0_u32..).zip(all) {
            while word != 0 {
                numbers.push(at * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
        numbers
    }
}

//! The sizes that figures are told for.

use std::fmt;
use std::str::FromStr;

use crate::plan::Shape;

/// How large a generated monorepo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// 50 packages, 2,000 files.
    S,
    /// 500 packages, 20,000 files.
    M,
    /// 2,000 packages, 100,000 files.
    L,
    /// 5,000 packages, 300,000 files.
    XL,
}

impl Size {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::S, Self::M, Self::L, Self::XL];

    /// Its packages.
    pub fn packages(self) -> usize {
        match self {
            Self::S => 50,
            Self::M => 500,
            Self::L => 2_000,
            Self::XL => 5_000,
        }
    }

    /// Its Python files.
    pub fn files(self) -> usize {
        match self {
            Self::S => 2_000,
            Self::M => 20_000,
            Self::L => 100_000,
            Self::XL => 300_000,
        }
    }

    /// The shape of that size, with bodies of a realistic length.
    pub fn shape(self) -> Shape {
        Shape { packages: self.packages(), files: self.files(), seed: 1, tiny: false }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|size| size.to_string() == text.to_uppercase());
        named.ok_or_else(|| format!("no size `{text}`; there are S, M, L and XL"))
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_are_read_as_they_are_told() {
        for size in Size::ALL {
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        assert_eq!("xl".parse(), Ok(Size::XL));
        assert!("XS".parse::<Size>().is_err());
    }
}

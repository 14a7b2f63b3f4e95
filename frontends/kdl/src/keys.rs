//! Which keys a table may have, as the model's table of keys says it, and what KDL calls them.

use qik_model::document::{Notation, Table, Value, same_key};
use qik_model::schema::{Key, Shape, TableShape, Variant};

/// The keys of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// Known ones.
    Known(&'static TableShape),
    /// Those of a variant, beside the one that tells it.
    Variant(&'static Variant),
    /// Names that the user chooses, for values of one shape.
    Chosen(&'static Shape),
    /// Nothing is known of them.
    Any,
}

impl Keys {
    /// Those of a table of that shape, in which `text_under` finds texts by their keys.
    pub fn of<'t>(
        shape: Option<&'static Shape>,
        text_under: impl Fn(&str) -> Option<&'t str>,
    ) -> Self {
        match shape {
            Some(Shape::Table(table)) => Self::Known(table),
            Some(Shape::Map { shape, .. }) => Self::Chosen(shape),
            Some(Shape::Tagged(tagged)) => text_under(tagged.tag)
                .and_then(|name| tagged.variant(name))
                .map_or(Self::Any, Self::Variant),
            _ => Self::Any,
        }
    }

    /// What a node or property of that name stands for.
    ///
    /// # Errors
    /// Where it is the name of several things of which each is written alone: the word for one.
    pub fn find(
        self,
        name: &str,
    ) -> Result<(Option<&'static Key>, Option<&'static Shape>), &'static str> {
        let table = match self {
            Self::Known(table) => table,
            Self::Variant(variant) => &variant.table,
            Self::Chosen(shape) => return Ok((None, Some(shape))),
            Self::Any => return Ok((None, None)),
        };
        if let Some(key) = table.keys.iter().find(|key| same_key(key.spelt(Notation::Nodes), name))
        {
            return Ok((Some(key), Some(&key.shape)));
        }
        match table.key(name).and_then(|key| key.one) {
            Some(one) => Err(one),
            None => Ok((None, None)),
        }
    }

    /// The key of a document under which `value` stands, with what KDL calls it: of a key that
    /// holds a list where its elements are entries of a table, it is the one for such lists.
    pub fn key(self, name: &str, value: &Value) -> Option<&'static Key> {
        let table = match self {
            Self::Known(table) => table,
            Self::Variant(variant) => &variant.table,
            Self::Chosen(_) | Self::Any => return None,
        };
        let key = table.key(name)?;
        let of_names = matches!(key.shape.table(), Some(Shape::Map { .. }));
        if key.one.is_some() && of_names && matches!(value, Value::List(_)) {
            return table.keys.iter().find(|other| other.one == Some(key.name)).or(Some(key));
        }
        Some(key)
    }

    /// The shape of the value under a name that is no known key.
    pub fn chosen(self) -> Option<&'static Shape> {
        match self {
            Self::Chosen(shape) => Some(shape),
            _ => None,
        }
    }

    /// The key whose value may lead the others without its name.
    pub fn lead(self) -> Option<&'static str> {
        match self {
            Self::Known(table) => table.lead,
            _ => None,
        }
    }

    /// Those of a table that is at hand.
    pub fn of_table(shape: Option<&'static Shape>, table: &Table) -> Self {
        Self::of(shape, |tag| match &table.get(tag)?.value.value {
            Value::Str(text) => Some(text.as_str()),
            _ => None,
        })
    }
}

//! Modes: whether a rule acts, only counts, or is left out.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether to act on what is found: of an environment, or of one rule there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuse what the policy refuses.
    Enforce,
    /// Evaluate, count and record what would be refused; let it pass.
    Shadow,
    /// Don't inspect; of a rule: find nothing.
    Off,
}

impl Mode {
    /// The word, as in configuration and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
            Self::Off => "off",
        }
    }
}

/// The rules that have a mode of their own, by id. All others are enforced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes(BTreeMap<Arc<str>, Mode>);

impl Modes {
    /// Whether every rule is enforced, as far as these say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mode of a rule.
    #[must_use]
    pub fn of(&self, rule: &str) -> Mode {
        if self.0.is_empty() { Mode::Enforce } else { self.0.get(rule).copied().unwrap_or(Mode::Enforce) }
    }

    /// Sets the mode of a rule.
    pub fn set(&mut self, rule: &str, mode: Mode) {
        self.0.insert(Arc::from(rule), mode);
    }

    /// These, and where they say nothing those.
    #[must_use]
    pub fn before(&self, others: &Self) -> Self {
        let mut all = others.0.clone();
        all.extend(self.0.iter().map(|(rule, mode)| (rule.clone(), *mode)));
        Self(all)
    }

    /// Every rule that has one, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Mode)> {
        self.0.iter().map(|(rule, mode)| (&**rule, *mode))
    }
}

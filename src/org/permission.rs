//! What can be allowed: one list for roles, answers and the audit. A word is never renamed.

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// Something that a role may do in an environment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission { $($(#[$doc])* $name,)+ }

        impl Permission {
            /// Every permission, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word, as in configuration and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

permissions! {
    /// List the environment, read and search metadata of records, and their payload at the role's view.
    ReadRecords = "records.read";
    /// Take many records away at once, each at the role's view.
    ExportRecords = "records.export";
    /// Find records by a value of a tokened kind.
    SearchValues = "values.search";
    /// Counts of findings. For later versions: nothing asks for it yet.
    CountFindings = "findings.count";
    /// Findings.
    ReadFindings = "findings.read";
    /// Say of a finding whether it is right.
    TriageFindings = "findings.triage";
    /// Write rules, test them, run them in shadow.
    DraftRules = "rules.draft";
    /// Have rules enforced.
    EnforceRules = "rules.enforce";
    /// Approve suppressions that somebody else asked for.
    ApproveSuppressions = "suppressions.approve";
    /// Write assets.
    WriteAssets = "assets.write";
    /// Promote staging assets.
    PromoteAssets = "assets.promote";
    /// Ask for sealed originals by break-glass.
    RevealOriginals = "originals.reveal";
    /// Look at what others did by break-glass.
    ReviewReveals = "originals.review";
    /// Read what the audit tells of oneself.
    AuditOwn = "audit.own";
    /// Read the audit.
    AuditAll = "audit.read";
    /// Scrape metrics. For later versions: `/metrics` is open on loopback.
    ReadMetrics = "metrics.read";
}

impl Permission {
    /// The permission of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.as_str() == word)
    }
}

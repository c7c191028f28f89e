//! What was found: kinds, each with its one Safe Harbor category (45 CFR 164.514(b)(2)(i)) and its default points.

use serde::Deserialize;
use std::fmt;

macro_rules! kinds {
    ($($name:ident = $word:literal, $category:ident, $points:literal;)+) => {
        /// What was found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        pub enum Kind { $(#[doc = $word] #[serde(rename = $word)] $name,)+ }

        impl Kind {
            /// Every kind, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word, as in rules, labels and explanations.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The Safe Harbor category it is reported under.
            #[must_use]
            pub const fn category(self) -> Category {
                match self { $(Self::$name => Category::$category,)+ }
            }

            /// Points for a value that no field row covers: shapes, free text, site rules.
            #[must_use]
            pub const fn points(self) -> Points {
                match self { $(Self::$name => Points($points),)+ }
            }
        }
    };
}

kinds! {
    Account = "account", Account, 50;
    Age = "age", Date, 10;
    Attachment = "attachment", OtherId, 0;
    Biometric = "biometric", Biometric, 60;
    BirthDate = "birth-date", Date, 40;
    BirthPlace = "birth-place", Geo, 10;
    City = "city", Geo, 5;
    ClaimId = "claim-id", Account, 30;
    Clinical = "clinical", None, 0;
    Coordinates = "coordinates", Geo, 40;
    County = "county", Geo, 5;
    Coverage = "coverage", None, 0;
    DeathDate = "death-date", Date, 30;
    DeclaredMode = "declared-mode", None, 0;
    Device = "device", Device, 40;
    Diagnosis = "diagnosis", None, 0;
    DriverLicence = "driver-licence", License, 90;
    Email = "email", Email, 50;
    Employer = "employer", None, 10;
    Facility = "facility", Geo, 5;
    FamilyName = "family-name", Name, 30;
    Fax = "fax", Fax, 40;
    FileName = "file-name", OtherId, 20;
    FormAnswer = "form-answer", OtherId, 40;
    FreeText = "free-text", None, 0;
    FullName = "full-name", Name, 50;
    GivenName = "given-name", Name, 20;
    GroupNo = "group-no", None, 10;
    Ip = "ip", Ip, 10;
    Location = "location", None, 0;
    Mbi = "mbi", HealthPlan, 100;
    MemberId = "member-id", HealthPlan, 70;
    MotherMaidenName = "mother-maiden-name", Name, 30;
    Mrn = "mrn", Mrn, 60;
    Narrative = "narrative", None, 0;
    NationalId = "national-id", OtherId, 90;
    Nested = "nested", None, 0;
    OrderNumber = "order-number", None, 20;
    Organisation = "organisation", None, 0;
    OtherId = "other-id", OtherId, 60;
    Passport = "passport", OtherId, 100;
    Phone = "phone", Phone, 40;
    Photo = "photo", Photo, 60;
    Provider = "provider", None, 0;
    ProviderSsn = "provider-ssn", None, 0;
    Query = "query", None, 0;
    Relative = "relative", Name, 50;
    ResourceId = "resource-id", None, 5;
    Routing = "routing", None, 0;
    Secret = "secret", None, 0;
    ServiceDate = "service-date", Date, 10;
    Ssn = "ssn", Ssn, 100;
    Street = "street", Geo, 40;
    Trace = "trace", None, 0;
    Trait = "trait", None, 5;
    Url = "url", Url, 20;
    Vehicle = "vehicle", Vehicle, 40;
    VisitNumber = "visit-number", Account, 40;
    ZSegment = "z-segment", None, 0;
    Zip = "zip", Geo, 15;
}

impl Kind {
    /// Kinds with so many possible values that a stored placeholder may carry a keyed token.
    #[must_use]
    pub const fn may_be_token(self) -> bool {
        matches!(
            self,
            Self::Mrn | Self::MemberId | Self::Account | Self::VisitNumber | Self::Device | Self::ClaimId
        )
    }

    /// Whether a value of this kind says who somebody is: a name, a birth date, a number of a person's own.
    #[must_use]
    pub const fn tells_who(self) -> bool {
        matches!(
            self,
            Self::FamilyName
                | Self::GivenName
                | Self::FullName
                | Self::MotherMaidenName
                | Self::BirthDate
                | Self::DeathDate
                | Self::Ssn
                | Self::Mbi
                | Self::Mrn
                | Self::MemberId
                | Self::NationalId
                | Self::Passport
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The identifiers of the Safe Harbor method, as reports name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// (A) names.
    Name,
    /// (B) geographic units smaller than a state.
    Geo,
    /// (C) dates but the year, ages over 89.
    Date,
    /// (D) telephone.
    Phone,
    /// (E) fax.
    Fax,
    /// (F) e-mail.
    Email,
    /// (G) social security number.
    Ssn,
    /// (H) medical record number.
    Mrn,
    /// (I) health plan beneficiary number.
    HealthPlan,
    /// (J) account number.
    Account,
    /// (K) certificate or licence number.
    License,
    /// (L) vehicle identifier.
    Vehicle,
    /// (M) device identifier.
    Device,
    /// (N) web address.
    Url,
    /// (O) IP address.
    Ip,
    /// (P) biometric identifier.
    Biometric,
    /// (Q) full-face photograph.
    Photo,
    /// (R) any other unique number or code.
    OtherId,
    /// No identifier of the individual by itself.
    None,
}

impl Category {
    /// The word, as in reports; `None` for what is no identifier.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Name => "NAME",
            Self::Geo => "GEO",
            Self::Date => "DATE",
            Self::Phone => "PHONE",
            Self::Fax => "FAX",
            Self::Email => "EMAIL",
            Self::Ssn => "SSN",
            Self::Mrn => "MRN",
            Self::HealthPlan => "HEALTH_PLAN",
            Self::Account => "ACCOUNT",
            Self::License => "LICENSE",
            Self::Vehicle => "VEHICLE",
            Self::Device => "DEVICE",
            Self::Url => "URL",
            Self::Ip => "IP",
            Self::Biometric => "BIOMETRIC",
            Self::Photo => "PHOTO",
            Self::OtherId => "OTHER_ID",
            Self::None => return None,
        })
    }
}

/// How much a field says about who one person is: integers that add up within one person only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Deserialize)]
#[serde(transparent)]
pub struct Points(pub u16);

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f) // with the width that is asked for
    }
}

/// Whose a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The individual.
    Patient,
    /// A relative, employer or household member: counted under Safe Harbor.
    Relative,
    /// A practitioner: scores 0.
    Provider,
    /// An organisation, payer or system: scores 0.
    Organisation,
    /// May be anybody's: free text, attachments, queries.
    Any,
}

impl Whose {
    /// The word, as in rules.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Relative => "relative",
            Self::Provider => "provider",
            Self::Organisation => "organisation",
            Self::Any => "any",
        }
    }
}

/// What redaction does with the value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redact {
    /// A bare placeholder, whatever the view.
    Drop,
    /// A typed placeholder with the length class.
    Mask,
    /// A typed placeholder; a keyed token where kind and view allow it.
    Hash,
    /// The year stays.
    Year,
    /// The first three digits stay; 000 for small areas.
    Zip3,
    /// The value stays, if it is one of the safe vocabulary.
    Keep,
}

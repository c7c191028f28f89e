//! The key that the audit is signed with (Ed25519, RFC 8032): its public half lets an outsider verify.

use super::{Key, SecretsError, key};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::path::Path;
use std::sync::Arc;

/// Signs what people did.
#[derive(Clone)]
pub struct SigningKey(Arc<Ed25519KeyPair>);

/// The public half of a [`SigningKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey([u8; 32]);

impl SigningKey {
    pub(super) fn open_or_create(path: &Path) -> Result<Self, SecretsError> {
        Self::of(&key(path)?)
    }

    fn of(seed: &Key) -> Result<Self, SecretsError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed.0).map_err(|_| SecretsError::Random)?;
        Ok(Self(Arc::new(pair)))
    }

    /// A key that nobody has: for trying things out.
    ///
    /// # Errors
    /// [`SecretsError::Random`].
    pub fn ephemeral() -> Result<Self, SecretsError> {
        Self::of(&Key(super::random()?))
    }

    /// The signature of a statement: 64 bytes.
    #[must_use]
    pub fn sign(&self, statement: &[u8]) -> Vec<u8> {
        self.0.sign(statement).as_ref().to_vec()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref().get(..32).unwrap_or(&[0; 32]));
        VerifyingKey(bytes)
    }
}

impl VerifyingKey {
    /// Reads 64 hex digits.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        let bytes = crate::inspect::decode::hex(hex.trim()).filter(|_| hex.trim().len() == 64)?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// As 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        super::hex(&self.0)
    }

    /// Whether a statement was signed by the other half.
    #[must_use]
    pub fn verifies(&self, statement: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(statement, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_verified_by_the_public_half_alone() {
        let (key, other) = (SigningKey::ephemeral().expect("key"), SigningKey::ephemeral().expect("key"));
        let signature = key.sign(b"a statement");
        let public = VerifyingKey::parse(&key.public().hex()).expect("hex");
        assert!(public.verifies(b"a statement", &signature));
        assert!(
            !public.verifies(b"a Statement", &signature) && !public.verifies(b"a statement", &signature[1..])
        );
        assert!(!other.public().verifies(b"a statement", &signature));
        assert_eq!(VerifyingKey::parse("00"), None);
    }
}

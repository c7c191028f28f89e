//! A message as it is prepared for its upstream. Its fields are in a list: as few as a head has are found there sooner than
//! in a map, and made at less cost.

use super::body::OutBody;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request};

/// One message on its way out.
pub struct Outgoing {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: PathAndQuery,
    pub(super) fields: Fields,
    pub(super) body: OutBody,
}

/// Fields in the order in which they are written.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(HeaderName, HeaderValue)>);

impl Fields {
    pub(super) fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// One more, behind those of the same name.
    pub(super) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// The only one of its name.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.remove(&name);
        self.0.push((name, value));
    }

    pub(super) fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The values of a name.
    pub(super) fn values<'f>(&'f self, name: &HeaderName) -> impl Iterator<Item = &'f HeaderValue> {
        self.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

impl From<Request<OutBody>> for Outgoing {
    fn from(request: Request<OutBody>) -> Self {
        let (head, body) = request.into_parts();
        let fields = head.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let target = head.uri.into_parts().path_and_query;
        Self {
            method: head.method,
            target: target.unwrap_or_else(|| PathAndQuery::from_static("/")),
            fields: Fields(fields),
            body,
        }
    }
}

impl From<Outgoing> for Request<OutBody> {
    fn from(message: Outgoing) -> Self {
        let mut request = Self::new(message.body);
        *request.method_mut() = message.method;
        *request.uri_mut() = message.target.into();
        request.headers_mut().reserve(message.fields.0.len());
        for (name, value) in message.fields.0 {
            request.headers_mut().append(name, value);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_as_a_request_and_back() {
        let request = Request::put("/p?q=1").header("a", "1").header("b", "2").header("a", "3");
        let mut message = Outgoing::from(request.body(OutBody::empty()).expect("request"));
        let (a, b) = (HeaderName::from_static("a"), HeaderName::from_static("b"));
        assert!(message.fields.values(&a).eq(["1", "3"]) && message.fields.values(&b).eq(["2"]));
        message.fields.set(b.clone(), HeaderValue::from_static("4"));
        assert!(message.fields.values(&b).eq(["4"]));
        let request = Request::from(message);
        assert_eq!((request.method(), request.uri().to_string()), (&Method::PUT, "/p?q=1".to_owned()));
        assert!(request.headers().get_all(&a).iter().eq(["1", "3"]));
        assert!(request.headers().get_all(&b).iter().eq(["4"]));
        let mut message = Outgoing::from(request);
        message.fields.remove(&a);
        assert_eq!((message.fields.values(&a).count(), message.fields.iter().count()), (0, 1));
    }
}

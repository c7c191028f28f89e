# Builds a static program, and an image that holds nothing else. It runs as a user that is nobody in particular, with a
# read-only root: mount a volume at /data (records, keys; secrets beside it in /data/phigate-secrets), and the
# configuration at /etc/phigate.toml with `data_dir = "/data/phigate"`.
FROM rust:1-alpine AS build
RUN apk add --no-cache gcc make musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked && mkdir -p /out/data && cp target/release/phigate /out/phigate

FROM scratch
COPY --from=build /out/phigate /phigate
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
ENTRYPOINT ["/phigate"]
CMD ["run", "--config", "/etc/phigate.toml"]

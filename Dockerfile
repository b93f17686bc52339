# The hub as one static binary in an otherwise empty image. `make image` builds it.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# glibc goes into the binary: the image has no library to find.
ENV RUSTFLAGS="-C target-feature=+crt-static" CARGO_TERM_COLOR=never

# The dependencies first, in a layer of their own: a change of our own sources leaves it as it is. The members of the
# workspace are there by name only, with a source file each that does nothing.
COPY .cargo/config.toml .cargo/
COPY Cargo.toml Cargo.lock ./
COPY rust/protocol/Cargo.toml rust/protocol/
COPY rust/hub/Cargo.toml rust/hub/
COPY rust/client/Cargo.toml rust/client/
COPY rust/mcp/Cargo.toml rust/mcp/
COPY rust/agent/Cargo.toml rust/agent/
COPY rust/cli/Cargo.toml rust/cli/
# hyper is built with it.
COPY rust/httpdate rust/httpdate
COPY python/Cargo.toml python/
COPY bench/load/Cargo.toml bench/load/
# With a target that is named the flags above are for the binary alone, and not for macros and build scripts, which
# can't be static.
RUN for member in rust/protocol rust/hub rust/client rust/mcp rust/agent rust/cli python bench/load; do \
        mkdir -p "$member/src" && touch "$member/src/lib.rs" && echo 'fn main() {}' > "$member/src/main.rs"; \
    done \
    && cargo build --locked --release --package orochi-cli --target "$(rustc --print host-tuple)"

COPY LICENSE ./
COPY dashboard dashboard
COPY rust rust
# Cargo compares times: the stubs above are younger than the sources.
RUN find rust dashboard -path rust/httpdate -prune -o -type f -exec touch {} + \
    && cargo build --locked --release --package orochi-cli --target "$(rustc --print host-tuple)" \
    && install -D "target/$(rustc --print host-tuple)/release/orochi" /image/bin/orochi \
    && /image/bin/orochi licences > /image/LICENCES \
    && install -d -o 10001 -g 10001 /image/data

FROM scratch
COPY --from=build /image/bin/orochi /bin/orochi
# Ours, and those of what is compiled in.
COPY --from=build /build/LICENSE /image/LICENCES /
# Whom to believe, for a Gitea behind https.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# Owned by the hub's user: a new volume starts with this owner.
COPY --from=build --chown=10001:10001 /image/data /data
USER 10001:10001
# Every interface, of the container: what the host gives out is said when it is started.
ENV OROCHI_HOST=0.0.0.0 OROCHI_DB=/data/orochi.db
EXPOSE 9559 8559
VOLUME /data
STOPSIGNAL SIGTERM
# Often, so that `docker compose up --wait` returns soon; the log is written to once a minute only.
HEALTHCHECK --interval=1s --timeout=5s --retries=5 CMD ["/bin/orochi", "health", "--max-age", "60"]
ENTRYPOINT ["/bin/orochi"]
CMD ["serve"]

// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

// A name that does not parse would be a typing error in this file, found by the first test that sends a response; the
// fallback only keeps the initialiser total.
private func header(_ name: String) -> HTTPField.Name {
    HTTPField.Name(name) ?? .server
}

extension HTTPField.Name {
    /// `x-request-id`: on every response. (contracts: OpenAI response headers)
    static let xRequestID = header("x-request-id")
    /// `openai-processing-ms`: whole milliseconds from the request's head to the response's.
    static let openAIProcessing = header("openai-processing-ms")
    /// `openai-version`: the date that names the API's version.
    static let openAIVersion = header("openai-version")
    /// `x-should-retry`: overrides the SDKs' own rule. (contracts: OpenAI timeouts, retries, idempotency)
    static let xShouldRetry = header("x-should-retry")
    /// `x-stainless-retry-count`: how often an SDK has sent this request before.
    static let stainlessRetryCount = header("x-stainless-retry-count")
    /// `Idempotency-Key`: chosen by the user.
    static let idempotencyKey = header("idempotency-key")
    /// `Last-Event-ID`: where a consumer of server-sent events goes on.
    static let lastEventID = header("last-event-id")
    /// `X-Accel-Buffering`: tells proxies not to collect the answer.
    static let xAccelBuffering = header("x-accel-buffering")
    /// `X-Tt-Logid`: names the request for clients of Volcengine's. (contracts: Ark envelope)
    static let ttLogID = header("x-tt-logid")
    /// `X-Sdk-Invocation-Id`: the same on every attempt of one call of Volcengine's SDK.
    static let sdkInvocationID = header("x-sdk-invocation-id")
    /// `x-client-request-id`: chosen by the user, for the log; repeated in the response.
    static let clientRequestID = header("x-client-request-id")
    /// `X-Shardline-Durable`: whether a held request outlives the process; an extension of ours.
    static let shardlineDurable = header("x-shardline-durable")
}

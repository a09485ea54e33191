// One scene with an official Node client: `node clients.mjs SCENE`. The upstream's script is set by who calls this.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const options = { baseURL: process.env.BASE, apiKey: process.env.KEY };
const client = new OpenAI({ ...options, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: process.env.BASE.replace(/\/v1$/, ""), apiKey: process.env.KEY, maxRetries: 0 });
const vercel = createOpenAI(options);
const messages = [{ role: "user", content: "Hi" }];

const scenes = {
  async chat() {
    const chat = await client.chat.completions.create({ model: "gpt", messages });
    assert.equal(chat.choices[0].message.content, "Hello there");
  },
  async chat_stream() {
    const runner = client.chat.completions.stream({ model: "gpt", messages });
    let text = "";
    runner.on("content", (delta) => (text += delta));
    assert.equal(await runner.finalContent(), "Hello");
    assert.equal(text, "Hello");
  },
  async responses() {
    const made = await client.responses.create({ model: "gpt", input: "Hi" });
    assert.equal(made.output_text, "Hello there");
  },
  async responses_stream() {
    const stream = client.responses.stream({ model: process.env.MODEL ?? "gpt", input: "Hi" });
    const numbers = [];
    stream.on("event", (event) => numbers.push(event.sequence_number));
    const made = await stream.finalResponse();
    assert.equal(made.output_text, "Hello");
    assert.deepEqual(numbers, numbers.map((_, at) => at));
  },
  async rate_limited() {
    await assert.rejects(client.responses.create({ model: "gpt", input: "Hi" }), (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.headers.get("retry-after"), "7");
      return true;
    });
  },
  async many() {
    const made = await Promise.all(
      Array.from({ length: 64 }, () => client.chat.completions.create({ model: "gpt", messages })),
    );
    assert.deepEqual(new Set(made.map((chat) => chat.choices[0].message.content)), new Set(["Hello there"]));
  },
  async messages() {
    const made = await anthropic.messages.create({ model: process.env.MODEL, max_tokens: 64, messages });
    assert.equal(made.content.at(-1).text, "Hello there");
    assert.equal(made.stop_reason, "end_turn");
  },
  async messages_stream() {
    const stream = anthropic.messages.stream({ model: process.env.MODEL, max_tokens: 64, messages });
    let thought = "";
    stream.on("thinking", (delta) => (thought += delta));
    const made = await stream.finalMessage();
    assert.equal(made.content.at(-1).text, "Hello");
    assert.equal(thought, "Hm.");
    assert.ok(made.content[0].signature);
  },
  async messages_refused() {
    const asked = anthropic.messages.create({ model: "claude", max_tokens: 64, messages });
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof Anthropic.RateLimitError);
      assert.equal(error.headers.get("retry-after"), "7");
      assert.ok(error.requestID);
      return true;
    });
  },
  async vercel_chat() {
    const { text } = await generateText({ model: vercel.chat("gpt"), prompt: "Hi" });
    assert.equal(text, "Hello there");
  },
  async vercel_stream() {
    const { textStream, reasoningText } = streamText({ model: vercel.responses("claude"), prompt: "Hi" });
    let text = "";
    for await (const piece of textStream) text += piece;
    assert.equal(text, "Hello");
    assert.equal(await reasoningText, "Hm.");
  },
  async vercel_tool() {
    const weather = tool({
      description: "Says the weather.",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => `21 in ${city}`,
    });
    const made = await generateText({
      model: vercel.responses("claude"),
      prompt: "Weather?",
      tools: { get_weather: weather },
      stopWhen: stepCountIs(3),
    });
    assert.equal(made.text, "Hello there");
    assert.equal(made.steps.length, 2);
  },
};

await scenes[process.argv[2]]();

"""A chat client without a model behind it, so that the example runs anywhere.

It answers from a list; what it is asked last is put in place of {}. Put
OpenAIChatClient() of agent_framework.openai in its place for a real model.
"""

from collections.abc import AsyncIterable, Sequence
from datetime import datetime, timezone
from typing import Any

from agent_framework import BaseChatClient, ChatResponse, ChatResponseUpdate, Content, Message, ResponseStream


class ScriptedChatClient(BaseChatClient):
    def __init__(self, *lines: str):
        super().__init__()
        self._lines = lines

    def _inner_get_response(self, *, messages: Sequence[Message], stream: bool, options: Any, **_: Any) -> Any:
        now = datetime.now(timezone.utc).isoformat()
        # The line depends on the conversation alone, so that a repeated call gives the same.
        asked = [m.text for m in messages if m.role == "user"]
        text = self._lines[(len(asked) - 1) % len(self._lines)].format(asked[-1])

        async def chunks() -> AsyncIterable[ChatResponseUpdate]:
            for word in text.split(" "):
                yield ChatResponseUpdate(role="assistant", contents=[Content.from_text(word + " ")], created_at=now)

        async def whole() -> ChatResponse:
            return ChatResponse(messages=[Message(role="assistant", contents=[text])], created_at=now)

        return ResponseStream(chunks(), finalizer=ChatResponse.from_updates) if stream else whole()

"""`BudgetManager`: what each user of an application may spend, and has spent, kept in a file beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Literal

# Where budgets are kept, in the folder that the process runs in: LiteLLM's name.
FILE = "user_cost.json"

# Seconds of each duration, as LiteLLM counts them.
DAYS = {"daily": 1, "weekly": 7, "monthly": 28, "yearly": 365}
DAY = 24 * 60 * 60


class BudgetManager:
    """Budgets in US dollars, by user.

    Args:
        project_name: names the application.
        client_type: `local` keeps budgets in `user_cost.json`; LiteLLM's hosted store is not supported.
        api_base, headers: of the hosted store.
    """

    def __init__(
        self,
        project_name: str,
        client_type: str = "local",
        api_base: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if client_type != "local":
            raise NotImplementedError(f"client_type={client_type!r} is not supported: budgets are kept in `{FILE}`")
        self.client_type = client_type
        self.project_name = project_name
        self.api_base = api_base
        self.headers = headers or {"Content-Type": "application/json"}
        self.user_dict: dict[str, dict[str, Any]] = {}
        self.load_data()

    def load_data(self) -> None:
        """Reads the budgets that are kept; none where there is no file."""
        path = Path(FILE)
        self.user_dict = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def save_data(self) -> dict[str, Any]:
        """Keeps the budgets as they are: the file is whole at every moment."""
        part = Path(f"{FILE}.part")
        part.write_text(json.dumps(self.user_dict, indent=4), encoding="utf-8")
        part.replace(FILE)
        return {"status": "success"}

    def create_budget(
        self,
        total_budget: float,
        user: str,
        duration: Literal["daily", "weekly", "monthly", "yearly"] | None = None,
        created_at: float | None = None,
    ) -> dict[str, Any]:
        """Gives a user a budget; what was spent is forgotten.

        Args:
            total_budget: US dollars.
            duration: after which `reset_on_duration` begins anew.
            created_at: seconds since 1970; default: now.

        Raises:
            ValueError: a duration that is none of these.
        """
        self.user_dict[user] = {"total_budget": total_budget}
        if duration is None:
            return self.user_dict[user]
        if duration not in DAYS:
            raise ValueError(f"duration needs to be one of {list(DAYS)}")
        self.user_dict[user] = {
            "total_budget": total_budget,
            "duration": DAYS[duration] * DAY,
            "created_at": time.time() if created_at is None else created_at,
            "last_updated_at": time.time() if created_at is None else created_at,
        }
        self.save_data()
        return self.user_dict[user]

    def projected_cost(self, model: str, messages: list[Any], user: str) -> float:
        """What a user will have spent after a call with this prompt, the answer not counted."""
        import gateway

        text = "".join(str(message.get("content") or "") for message in messages)
        tokens = gateway.token_counter(model=model, text=text)
        cost, _ = gateway.cost_per_token(model=model, prompt_tokens=tokens, completion_tokens=0)
        return self.get_current_cost(user) + float(cost)

    def get_total_budget(self, user: str) -> float:
        """The user's budget, US dollars."""
        return float(self.user_dict[user]["total_budget"])

    def update_cost(
        self,
        user: str,
        completion_obj: Any = None,
        model: str | None = None,
        input_text: str | None = None,
        output_text: str | None = None,
    ) -> dict[str, Any]:
        """Adds what a call cost: a reply's, or that of a model for two texts.

        Raises:
            ValueError: neither a reply nor a model with both texts.
        """
        import gateway

        if model and input_text is not None and output_text is not None:
            prompt = gateway.token_counter(model=model, messages=[{"role": "user", "content": input_text}])
            completion = gateway.token_counter(model=model, text=output_text)
            costs = gateway.cost_per_token(model=model, prompt_tokens=prompt, completion_tokens=completion)
            cost = sum(costs)
        elif completion_obj is not None:
            cost = gateway.completion_cost(completion_response=completion_obj)
            model = completion_obj["model"]
        else:
            raise ValueError("Either a completion object or the text response needs to be passed in. ")
        kept = self.user_dict[user]
        kept["current_cost"] = cost + kept.get("current_cost", 0)
        by_model = kept.setdefault("model_cost", {})
        by_model[str(model)] = cost + by_model.get(str(model), 0)
        self.save_data()
        return {"user": kept}

    def get_current_cost(self, user: str) -> float:
        """What the user has spent, US dollars."""
        return float(self.user_dict[user].get("current_cost", 0))

    def get_model_cost(self, user: str) -> Any:
        """The same, by model; 0 where nothing was spent."""
        return self.user_dict[user].get("model_cost", 0)

    def is_valid_user(self, user: str) -> bool:
        """Whether the user has a budget."""
        return user in self.user_dict

    def get_users(self) -> list[str]:
        """Who has one."""
        return list(self.user_dict)

    def reset_cost(self, user: str) -> dict[str, Any]:
        """Forgets what the user has spent."""
        self.user_dict[user]["current_cost"] = 0
        self.user_dict[user]["model_cost"] = {}
        return {"user": self.user_dict[user]}

    def reset_on_duration(self, user: str) -> None:
        """The same, when the budget's duration is over."""
        kept = self.user_dict[user]
        if "duration" in kept and time.time() - kept["last_updated_at"] >= kept["duration"]:
            self.reset_cost(user)
            kept["last_updated_at"] = time.time()
            self.save_data()

    def update_budget_all_users(self) -> None:
        """The same, for all of them."""
        for user in self.get_users():
            if "duration" in self.user_dict[user]:
                self.reset_on_duration(user)

"""LOLViT for image classification."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit import plan
from lolvit.backbone import Backbone
from lolvit.config import LolvitConfig


class LolvitClassifier(nn.Module):
    """Backbone and GhostNet's head (1x1, pool, 1x1, linear): (B, C, R, R) -> (B, classes).

    Reconstructed from the abstract of arXiv 2508.01385; without fusion blocks it is GhostNet.
    """

    def __init__(self, config: LolvitConfig) -> None:
        super().__init__()
        self.backbone = Backbone(config)
        trunk = plan.trunk_channels(config)
        self.trunk = ConvNorm(self.backbone.channels[-1], trunk)
        self.feature = nn.Conv2d(trunk, config.feature_channels, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.feature_channels, config.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.trunk(self.backbone(x)[-1]))
        x = F.relu(self.feature(x.mean((2, 3), keepdim=True))).flatten(1)
        return self.classifier(self.dropout(x))

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width image."""
        dense = self.feature.weight.numel() + self.classifier.weight.numel()
        trunk = self.trunk.macs(*self.backbone.out_sides(height, width))
        return self.backbone.macs(height, width) + trunk + dense

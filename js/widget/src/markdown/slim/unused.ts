/** Stands for the packages of markdown-it that nothing here calls. */
export class LinkifyIt {}
export default {};
